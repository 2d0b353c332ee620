/* sftp.c - files behind an SSH server, by the library's SFTP. Keys only, no passwords. The host key must stand in the file of known
 * hosts, unless the settings switch that off.
 *
 * A result is written beside its target and then takes its name. Protocol version 3 cannot rename onto an existing file, so that one
 * is removed just before: for a moment there is none, never half of one. */
#include "net/glob.h"
#include "net/protocol.h"

#include "base/random.h"

#include <stdlib.h>
#include <unistd.h>

enum { LIST_BYTES_MAX = 256 << 20 }; /* of a folder's list */

typedef struct sftp_call { /* context of a request */
    capi_net *net;
    const char *user, *key_path, *known_hosts;
    capi_str shown;
    struct curl_slist *commands; /* after the transfer */
    bool lists;
} sftp_call;

static capi_status find_key(capi_net *net, const capi_url *url, capi_str text, capi_arena *arena, const char **out,
                            capi_err *err)
{
    const capi_net_settings *settings = net_settings(net);
    const char *home = getenv("HOME");

    for (uint32_t i = 0; i < settings->private_key_count; i++) {
        capi_str path = settings->private_keys[i].path;

        if (!capi_str_equal(settings->private_keys[i].user, url->user)) continue;
        if (capi_str_starts(path, "~/") && home)
            path = capi_str_format(arena, "%s%.*s", home, (int)(path.bytes - 1), path.data + 1);
        *out = capi_str_copy(arena, path).data;
        if (access(*out, R_OK) == 0) return CAPI_OK;
        return capi_err_set(err, CAPI_INVALID, "cannot read the private key \"%s\" of user \"%.*s\" for \"%.*s\"", *out,
                            CAPI_STR_ARG(url->user), CAPI_STR_ARG(text));
    }
    return capi_err_set(err, CAPI_INVALID,
                        "no private key for user \"%.*s\" of \"%.*s\": expected an entry of private_keys",
                        CAPI_STR_ARG(url->user), CAPI_STR_ARG(text));
}

static const char *known_hosts(capi_net *net, capi_arena *arena)
{
    const capi_net_settings *settings = net_settings(net);
    const char *home = getenv("HOME");

    if (settings->is_any_host_trusted) return NULL;
    if (settings->known_hosts_path) return settings->known_hosts_path;
    return capi_str_format(arena, "%s/.ssh/known_hosts", home ? home : "").data;
}

static int on_host_key(CURL *easy, const struct curl_khkey *known, const struct curl_khkey *found,
                       enum curl_khmatch match, void *context)
{
    (void)context;
    (void)easy;
    (void)known;
    (void)found;
    return match == CURLKHMATCH_OK ? CURLKHSTAT_FINE : CURLKHSTAT_REJECT;
}

static capi_status prepare(void *context, CURL *easy, capi_err *err)
{
    sftp_call *call = context;

    if (call->known_hosts) {
        if (access(call->known_hosts, R_OK) != 0)
            return capi_err_set(
                err, CAPI_INVALID,
                "cannot %s \"%.*s\": cannot read the file of known hosts \"%s\": expected a line for the server "
                "(ssh-keyscan)",
                call->commands ? "write" : "read", CAPI_STR_ARG(call->shown), call->known_hosts);
        curl_easy_setopt(easy, CURLOPT_SSH_KNOWNHOSTS, call->known_hosts);
        curl_easy_setopt(easy, CURLOPT_SSH_KEYFUNCTION, on_host_key);
    }
    curl_easy_setopt(easy, CURLOPT_SSH_AUTH_TYPES, (long)CURLSSH_AUTH_PUBLICKEY);
    curl_easy_setopt(easy, CURLOPT_USERNAME, call->user);
    curl_easy_setopt(easy, CURLOPT_SSH_PRIVATE_KEYFILE, call->key_path);
    curl_easy_setopt(easy, CURLOPT_SSH_PUBLIC_KEYFILE, NULL); /* made from the private one */
    curl_easy_setopt(easy, CURLOPT_KEYPASSWD, "");
    curl_easy_setopt(easy, CURLOPT_FTP_CREATE_MISSING_DIRS, (long)CURLFTP_CREATE_DIR);
    if (call->commands) curl_easy_setopt(easy, CURLOPT_POSTQUOTE, call->commands);
    if (call->lists) curl_easy_setopt(easy, CURLOPT_DIRLISTONLY, 1L);
    return CAPI_OK;
}

/* sftp://host:port/path, with `path` encoded and without user and password. */
static capi_str sftp_url(const capi_url *url, capi_str path, capi_arena *arena)
{
    path = capi_url_encode(arena, path, true);
    return capi_str_format(arena, "sftp://%.*s:%u%.*s", CAPI_STR_ARG(url->host), url->port ? url->port : 22,
                           CAPI_STR_ARG(path));
}

static capi_status make(capi_net *net, const capi_url *url, capi_str text, capi_str path, capi_arena *arena,
                        net_request *out, capi_err *err)
{
    sftp_call *call = capi_new(arena, sftp_call);

    *out = (net_request){.method = "GET", .body_fd = -1, .shown = capi_url_show(arena, text)};
    if (path.bytes < 2)
        return capi_err_set(err, CAPI_INVALID, "no path in \"%.*s\": expected sftp://user@host/path",
                            CAPI_STR_ARG(out->shown));
    *call = (sftp_call){.net = net, .known_hosts = known_hosts(net, arena)};
    CAPI_TRY(find_key(net, url, out->shown, arena, &call->key_path, err));
    call->shown = out->shown;
    call->user = capi_str_copy(arena, url->user).data;
    out->url = sftp_url(url, path, arena);
    out->known_hosts = call->known_hosts;
    out->prepare = prepare;
    out->context = call;
    return CAPI_OK;
}

static capi_status sftp_get(capi_net *net, const capi_url *url, capi_str text, capi_arena *arena, net_request *out,
                            capi_err *err)
{
    return make(net, url, text, url->path, arena, out, err);
}

/* A path as an argument of a command of the library. */
static capi_str quoted(capi_arena *arena, capi_str path)
{
    capi_buf out = {0};
    capi_str copy;

    capi_buf_append_byte(&out, '"');
    for (size_t i = 0; i < path.bytes; i++) {
        if (path.data[i] == '"' || path.data[i] == '\\') capi_buf_append_byte(&out, '\\');
        capi_buf_append_byte(&out, path.data[i]);
    }
    capi_buf_append_byte(&out, '"');
    copy = capi_str_copy(arena, capi_buf_str(&out));
    capi_buf_deinit(&out);
    return copy;
}

static capi_str beside(capi_arena *arena, capi_str path)
{
    char uid[CAPI_UID_BYTES];
    size_t slash = path.bytes;

    while (slash > 0 && path.data[slash - 1] != '/')
        slash--;
    capi_random_uid(&capi_random_system, uid);
    return capi_str_format(arena, "%.*s.capi-%s.tmp", (int)slash, path.data, uid);
}

/* Commands need a transfer beside them: the folder's list, which is not looked at. */
static capi_status remove_path(capi_net *net, const capi_url *url, capi_str text, capi_str path, capi_err *err)
{
    capi_arena arena = {0};
    net_sink sink = {.fd = -1, .max_bytes = UINT64_MAX};
    capi_str folder = path;
    net_request request;
    net_answer answer = {0};
    capi_status st;

    while (folder.bytes > 1 && folder.data[folder.bytes - 1] != '/')
        folder.bytes--;
    st = make(net, url, text, path, &arena, &request, err);
    if (st == CAPI_OK) {
        sftp_call *call = request.context;

        request.url = sftp_url(url, folder, &arena);
        call->lists = true;
        call->commands =
            curl_slist_append(NULL, capi_str_format(&arena, "*rm %.*s", CAPI_STR_ARG(quoted(&arena, path))).data);
        st = net_exchange(net, &request, &sink, NULL, &answer, err);
        curl_slist_free_all(call->commands);
    }
    capi_arena_deinit(&arena);
    return st;
}

static capi_status sftp_remove(capi_net *net, const capi_url *url, capi_str text, capi_err *err)
{
    return remove_path(net, url, text, url->path, err);
}

static capi_status sftp_upload(capi_net *net, const capi_url *url, capi_str text, int fd, uint64_t bytes,
                               const capi_net_watch *watch, capi_err *err)
{
    capi_arena arena = {0};
    capi_str temporary = beside(&arena, url->path), from = quoted(&arena, temporary), to = quoted(&arena, url->path);
    net_sink sink = {.fd = -1, .max_bytes = UINT64_MAX};
    net_request request;
    net_answer answer = {0};
    capi_status st = make(net, url, text, temporary, &arena, &request, err);

    if (st == CAPI_OK) {
        sftp_call *call = request.context;

        request.method = "PUT";
        request.is_upload = true;
        request.body_fd = fd;
        request.body_bytes = bytes;
        call->commands = curl_slist_append(NULL, capi_str_format(&arena, "*rm %.*s", CAPI_STR_ARG(to)).data);
        call->commands = curl_slist_append(
            call->commands, capi_str_format(&arena, "rename %.*s %.*s", CAPI_STR_ARG(from), CAPI_STR_ARG(to)).data);
        st = net_exchange(net, &request, &sink, watch, &answer, err);
        curl_slist_free_all(call->commands);
        if (st != CAPI_OK) (void)!remove_path(net, url, text, temporary, NULL); /* if it can be reached at all */
    }
    capi_arena_deinit(&arena);
    return st;
}

/* ---- lists ---- */

/* A line as "ls -l" writes it: eight words, a blank, the name; "name -> target" of a link. False: no such line. */
static bool read_line(capi_str line, char *kind, uint64_t *bytes, capi_str *name)
{
    size_t at = 0;

    *bytes = 0;
    *kind = line.bytes ? line.data[0] : ' ';
    for (int word = 0; word < 8; word++) {
        while (at < line.bytes && line.data[at] == ' ')
            at++;
        for (; at < line.bytes && line.data[at] != ' '; at++) {
            char c = line.data[at];

            if (word == 4 && c >= '0' && c <= '9' && *bytes < UINT64_MAX / 16)
                *bytes = *bytes * 10 + (uint64_t)(c - '0');
        }
    }
    if (at + 1 >= line.bytes) return false;
    *name = capi_str_slice(line, at + 1, line.bytes);
    if (*kind == 'l') {
        int64_t arrow = capi_str_find(*name, CAPI_STR(" -> "));

        if (arrow > 0) *name = capi_str_slice(*name, 0, (size_t)arrow);
    }
    return true;
}

/* `names` are those of the folder that ends at folder_bytes of the URL. Links are taken for files. */
static capi_status add_lines(capi_str lines, capi_str text, size_t folder_bytes, capi_arena *arena, net_listing *out,
                             capi_err *err)
{
    for (size_t at = 0, end; at < lines.bytes; at = end + 1) {
        const char *newline = memchr(lines.data + at, '\n', lines.bytes - at);
        capi_str line, name;
        uint64_t bytes;
        char kind;

        end = newline ? (size_t)(newline - lines.data) : lines.bytes;
        line = capi_str_slice(lines, at, end);
        if (line.bytes == 0) continue;
        if (!read_line(line, &kind, &bytes, &name))
            return capi_err_set(err, CAPI_INVALID, "cannot list \"%.*s\": no line of a folder: \"%.*s\"",
                                CAPI_STR_ARG(text), CAPI_STR_ARG(line));
        if (kind == 'd' || capi_str_is(name, ".") || capi_str_is(name, "..")) continue;
        CAPI_TRY(net_listing_add(
            out, capi_str_format(arena, "%.*s%.*s", (int)folder_bytes, text.data, CAPI_STR_ARG(name)), bytes, err));
    }
    return CAPI_OK;
}

/* One folder is listed: the one in front of the last part, taken as it is written. */
static capi_status sftp_list(capi_net *net, const capi_url *url, capi_str text, capi_arena *arena, net_listing *out,
                             capi_err *err)
{
    size_t folder_bytes = text.bytes, path_at = text.bytes - url->path.bytes;
    capi_arena scratch = {0};
    capi_buf body = {0};
    net_sink sink = {.buf = &body, .fd = -1, .max_bytes = LIST_BYTES_MAX};
    capi_str folder;
    net_request request;
    net_answer answer = {0};
    capi_status st;

    while (folder_bytes > path_at + 1 && text.data[folder_bytes - 1] != '/')
        folder_bytes--;
    folder = capi_str_slice(text, path_at, folder_bytes);
    out->literal = capi_str_slice(text, folder_bytes, text.bytes);
    out->glob = out->literal.bytes ? out->literal : CAPI_STR("*");
    out->path_at = folder_bytes;
    st = make(net, url, text, url->path, &scratch, &request, err);
    if (st == CAPI_OK) {
        request.url = sftp_url(url, folder, &scratch);
        st = net_exchange(net, &request, &sink, NULL, &answer, err);
    }
    if (st == CAPI_OK) st = add_lines(capi_buf_str(&body), text, folder_bytes, arena, out, err);
    if (st == CAPI_NOT_FOUND && capi_glob_is_pattern(folder))
        capi_err_note(err, "wildcards may stand in the last part of an sftp path only");
    capi_buf_deinit(&body);
    capi_arena_deinit(&scratch);
    return st;
}

const net_protocol net_sftp = {.get = sftp_get, .upload = sftp_upload, .remove = sftp_remove, .list = sftp_list};
