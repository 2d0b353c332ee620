/* net.c - see net.h: settings, connections that are used again, and the calls, the same for all protocols. */
#include "net/net.h"

#include "base/file.h"
#include "base/random.h"
#include "net/credentials.h"
#include "net/protocol.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { AUTHORITIES_BYTES_MAX = 16 << 20 };

struct capi_net {
    capi_arena arena; /* of the settings */
    capi_net_settings settings;
    capi_buf authorities;
    aws_keys aws;
    pthread_mutex_t lock; /* of the idle connections */
    uint32_t idle_count;
    net_connection idle[NET_IDLE_CONNECTION_MAX];
};

static const net_protocol *const protocols[] = {
    [CAPI_SCHEME_HTTP] = &net_http, [CAPI_SCHEME_HTTPS] = &net_http, [CAPI_SCHEME_S3] = &net_s3,
    [CAPI_SCHEME_SFTP] = &net_sftp, [CAPI_SCHEME_OTHER] = NULL,
};

/* ---- settings ---- */

static const char *copy_text(capi_arena *arena, const char *text)
{
    return text && *text ? capi_str_copy(arena, capi_str_of(text)).data : NULL;
}

static void copy_settings(capi_net *net, const capi_net_settings *from)
{
    capi_net_settings *to = &net->settings;
    capi_net_key *keys = capi_new_array(&net->arena, capi_net_key, from->private_key_count + 1);

    *to = *from;
    to->ca_path = copy_text(&net->arena, from->ca_path);
    to->known_hosts_path = copy_text(&net->arena, from->known_hosts_path);
    to->s3_endpoint = copy_text(&net->arena, from->s3_endpoint);
    to->temporary_path = copy_text(&net->arena, from->temporary_path);
    for (uint32_t i = 0; i < from->private_key_count; i++)
        keys[i] = (capi_net_key){capi_str_copy(&net->arena, from->private_keys[i].user),
                                 capi_str_copy(&net->arena, from->private_keys[i].path)};
    to->private_keys = keys;
    if (!to->connect_timeout_ms) to->connect_timeout_ms = 10000;
    if (!to->idle_timeout_ms) to->idle_timeout_ms = 30000;
    if (!to->retry_budget_ms) to->retry_budget_ms = 120000;
    if (!to->temporary_path) to->temporary_path = "/tmp";
}

static capi_status load_authorities(capi_net *net, capi_err *err)
{
    capi_arena arena = {0};
    struct dirent *entry;
    DIR *folder;
    capi_status st = CAPI_OK;

    if (!net->settings.ca_path) return CAPI_OK;
    folder = opendir(net->settings.ca_path);
    if (!folder)
        return capi_err_set_errno(err, errno, "cannot read the folder of authorities \"%s\"", net->settings.ca_path);
    while (st == CAPI_OK && (entry = readdir(folder))) {
        capi_str path, text;

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        path = capi_str_format(&arena, "%s/%s", net->settings.ca_path, entry->d_name);
        st = capi_file_read_all(path.data, AUTHORITIES_BYTES_MAX, &arena, &text, err);
        if (st != CAPI_OK) break;
        if (capi_str_find(text, CAPI_STR("-----BEGIN CERTIFICATE-----")) < 0)
            st = capi_err_set(err, CAPI_INVALID, "\"%.*s\" holds no certificate: expected a PEM file",
                              CAPI_STR_ARG(path));
        capi_buf_append_str(&net->authorities, text);
        capi_buf_append_byte(&net->authorities, '\n');
    }
    closedir(folder);
    capi_arena_deinit(&arena);
    if (st == CAPI_OK && net->authorities.bytes == 0)
        st = capi_err_set(err, CAPI_INVALID, "the folder of authorities \"%s\" is empty", net->settings.ca_path);
    return st;
}

capi_status capi_net_new(const capi_net_settings *settings, capi_net **out, capi_err *err)
{
    capi_net *net = capi_zmalloc(sizeof *net);
    capi_status st;

    *out = NULL;
    pthread_mutex_init(&net->lock, NULL);
    aws_keys_init(&net->aws);
    copy_settings(net, settings);
    st = load_authorities(net, err);
    if (st != CAPI_OK) {
        capi_net_free(net);
        return st;
    }
    *out = net;
    return CAPI_OK;
}

void capi_net_free(capi_net *net)
{
    if (!net) return;
    for (uint32_t i = 0; i < net->idle_count; i++) {
        curl_easy_cleanup(net->idle[i].easy);
        curl_multi_cleanup(net->idle[i].multi);
    }
    aws_keys_deinit(&net->aws);
    capi_buf_deinit(&net->authorities);
    capi_arena_deinit(&net->arena);
    pthread_mutex_destroy(&net->lock);
    free(net);
}

const capi_net_settings *net_settings(const capi_net *net)
{
    return &net->settings;
}

capi_str net_authorities(const capi_net *net)
{
    return capi_buf_str(&net->authorities);
}

aws_keys *net_aws(capi_net *net)
{
    return &net->aws;
}

/* ---- connections ---- */

static pthread_once_t library_once = PTHREAD_ONCE_INIT;

/* Only when a connection is wanted: most processes never need one. */
static void set_up_library(void)
{
    (void)curl_global_init(CURL_GLOBAL_DEFAULT); /* if it fails, so do the handles */
}

capi_status net_connection_take(capi_net *net, net_connection *out, capi_err *err)
{
    *out = (net_connection){0};
    pthread_once(&library_once, set_up_library);
    pthread_mutex_lock(&net->lock);
    if (net->idle_count) *out = net->idle[--net->idle_count];
    pthread_mutex_unlock(&net->lock);
    if (!out->multi) *out = (net_connection){curl_multi_init(), curl_easy_init()};
    if (out->multi && out->easy) return CAPI_OK;
    curl_easy_cleanup(out->easy);
    curl_multi_cleanup(out->multi);
    return capi_err_set(err, CAPI_NO_MEMORY, "no memory for a network connection");
}

void net_connection_give(capi_net *net, net_connection connection)
{
    curl_multi_remove_handle(connection.multi, connection.easy);
    curl_easy_reset(connection.easy);
    pthread_mutex_lock(&net->lock);
    if (net->idle_count < NET_IDLE_CONNECTION_MAX) {
        net->idle[net->idle_count++] = connection;
        connection = (net_connection){0};
    }
    pthread_mutex_unlock(&net->lock);
    if (!connection.multi) return;
    curl_easy_cleanup(connection.easy);
    curl_multi_cleanup(connection.multi);
}

/* ---- URLs ---- */

static const net_protocol *protocol_of(capi_str url)
{
    return protocols[capi_url_scheme(url)];
}

bool capi_net_can_read(capi_str url)
{
    return protocol_of(url) != NULL;
}

bool capi_net_can_write(capi_str url)
{
    const net_protocol *protocol = protocol_of(url);

    return protocol && protocol->upload;
}

static capi_status find_protocol(capi_str text, const char *what, capi_url *url, const net_protocol **out,
                                 capi_err *err)
{
    capi_arena arena = {0};
    capi_str shown = capi_url_show(&arena, text);
    capi_status st = capi_url_parse(text, url, err);

    *out = protocol_of(text);
    if (st == CAPI_OK && !*out)
        st = capi_err_set(err, CAPI_INVALID, "cannot %s \"%.*s\": expected http://, https://, s3:// or sftp://", what,
                          CAPI_STR_ARG(shown));
    capi_arena_deinit(&arena);
    return st;
}

static capi_status cannot(const char *what, capi_str text, capi_err *err)
{
    capi_arena arena = {0};
    capi_str shown = capi_url_show(&arena, text);

    capi_err_set(err, CAPI_INVALID, "cannot %s \"%.*s\": only s3:// and sftp:// can do that", what,
                 CAPI_STR_ARG(shown));
    capi_arena_deinit(&arena);
    return CAPI_INVALID;
}

static capi_status make_get(capi_net *net, capi_str text, capi_arena *arena, net_request *request, capi_err *err)
{
    const net_protocol *protocol;
    capi_url url;

    CAPI_TRY(find_protocol(text, "read", &url, &protocol, err));
    *request = (net_request){.method = "GET", .body_fd = -1, .shown = capi_url_show(arena, text)};
    return protocol->get(net, &url, text, arena, request, err);
}

/* ---- whole files ---- */

capi_status capi_net_fetch(capi_net *net, capi_str url, uint64_t max_bytes, const capi_net_watch *watch,
                           capi_arena *arena, capi_str *out, capi_err *err)
{
    capi_arena scratch = {0};
    capi_buf body = {0};
    net_sink sink = {.buf = &body, .fd = -1, .max_bytes = max_bytes};
    net_request request;
    net_answer answer = {0};
    capi_status st = make_get(net, url, &scratch, &request, err);

    *out = (capi_str){0};
    if (st == CAPI_OK) st = net_exchange(net, &request, &sink, watch, &answer, err);
    if (st == CAPI_OK) *out = capi_str_copy(arena, capi_buf_str(&body));
    capi_buf_deinit(&body);
    capi_arena_deinit(&scratch);
    return st;
}

static capi_status make_temporary(capi_net *net, capi_arena *arena, const char **path, int *fd, capi_err *err)
{
    char uid[CAPI_UID_BYTES];

    CAPI_TRY(capi_folder_make(net->settings.temporary_path, err));
    capi_random_uid(&capi_random_system, uid);
    *path = capi_str_format(arena, "%s/capi-%ld-%s.download", net->settings.temporary_path, (long)getpid(), uid).data;
    *fd = open(*path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (*fd < 0) return capi_err_set_errno(err, errno, "cannot create \"%s\"", *path);
    return CAPI_OK;
}

capi_status capi_net_download(capi_net *net, capi_str url, const capi_net_watch *watch, capi_arena *arena,
                              const char **path, capi_err *err)
{
    capi_arena scratch = {0};
    net_sink sink = {.fd = -1, .max_bytes = UINT64_MAX};
    net_request request;
    net_answer answer = {0};
    capi_status st = make_get(net, url, &scratch, &request, err);

    *path = NULL;
    if (st == CAPI_OK) st = make_temporary(net, arena, path, &sink.fd, err);
    if (st == CAPI_OK) {
        st = net_exchange(net, &request, &sink, watch, &answer, err);
        if (close(sink.fd) != 0 && st == CAPI_OK) st = capi_err_set_errno(err, errno, "cannot close \"%s\"", *path);
        if (st != CAPI_OK) unlink(*path);
    }
    capi_arena_deinit(&scratch);
    return st;
}

capi_status capi_net_temporary_fd(capi_net *net, int *fd, capi_err *err)
{
    capi_arena arena = {0};
    const char *path;
    capi_status st = make_temporary(net, &arena, &path, fd, err);

    if (st == CAPI_OK) unlink(path);
    capi_arena_deinit(&arena);
    return st;
}

/* ---- ranges ---- */

enum { PROBE_BYTES = 4 }; /* the first ones, which tell the kind of a file */

struct capi_net_file {
    capi_net *net;
    capi_arena arena;
    net_request request;
    net_answer answer;
    bool has_ranges;
    char head[PROBE_BYTES];
};

/* A first range shows whether there are ranges, how long the file is and which. (HEAD is not allowed everywhere.) */
static capi_status probe(capi_net_file *file, const capi_net_watch *watch, capi_err *err)
{
    capi_buf body = {0};
    net_sink sink = {.buf = &body, .fd = -1, .max_bytes = PROBE_BYTES};
    net_request *request = &file->request;
    capi_status st;

    request->has_range = request->is_probe = true;
    request->range_bytes = PROBE_BYTES;
    st = net_exchange(file->net, request, &sink, watch, &file->answer, err);
    request->is_probe = false;
    file->has_ranges = st == CAPI_OK && file->answer.code == 206 && body.bytes == PROBE_BYTES;
    if (file->has_ranges) memcpy(file->head, body.data, PROBE_BYTES);
    capi_buf_deinit(&body);
    return st;
}

capi_status capi_net_open(capi_net *net, capi_str url, const capi_net_watch *watch, capi_net_file **out, capi_err *err)
{
    capi_net_file *file = capi_zmalloc(sizeof *file);
    capi_status st;

    *out = NULL;
    file->net = net;
    st = make_get(net, capi_str_copy(&file->arena, url), &file->arena, &file->request, err);
    if (st == CAPI_OK && protocol_of(url)->has_ranges) st = probe(file, watch, err);
    if (st != CAPI_OK) {
        capi_net_file_close(file);
        return st;
    }
    *out = file;
    return CAPI_OK;
}

uint64_t capi_net_file_bytes(const capi_net_file *file)
{
    return file->answer.length_bytes;
}

bool capi_net_has_ranges(const capi_net_file *file)
{
    return file->has_ranges;
}

static capi_status read_range(capi_net_file *file, uint64_t offset, uint64_t bytes, net_sink *sink,
                              const capi_net_watch *watch, capi_err *err)
{
    net_request request = file->request;
    net_answer answer = file->answer;

    request.range_from = offset;
    request.range_bytes = bytes;
    return net_exchange(file->net, &request, sink, watch, &answer, err);
}

capi_status capi_net_read_at(capi_net_file *file, uint64_t offset, void *to, size_t bytes, const capi_net_watch *watch,
                             capi_err *err)
{
    capi_buf body = {0};
    net_sink sink = {.buf = &body, .fd = -1, .max_bytes = bytes};
    capi_status st;

    if (bytes == 0) return CAPI_OK;
    if (offset + bytes <= sizeof file->head) {
        memcpy(to, file->head + offset, bytes);
        return CAPI_OK;
    }
    st = read_range(file, offset, bytes, &sink, watch, err);
    if (st == CAPI_OK) memcpy(to, body.data, bytes);
    capi_buf_deinit(&body);
    return st;
}

capi_status capi_net_copy_at(capi_net_file *file, uint64_t offset, uint64_t bytes, int fd, const capi_net_watch *watch,
                             capi_err *err)
{
    net_sink sink = {.fd = fd, .is_part = true, .fd_offset = offset, .max_bytes = bytes};

    return bytes ? read_range(file, offset, bytes, &sink, watch, err) : CAPI_OK;
}

void capi_net_file_close(capi_net_file *file)
{
    if (!file) return;
    capi_arena_deinit(&file->arena);
    free(file);
}

/* ---- writing ---- */

capi_status capi_net_upload(capi_net *net, const char *path, capi_str url, const capi_net_watch *watch, capi_err *err)
{
    const net_protocol *protocol;
    struct stat status;
    capi_url parts;
    capi_status st;
    int fd;

    CAPI_TRY(find_protocol(url, "write", &parts, &protocol, err));
    if (!protocol->upload) return cannot("write", url, err);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return capi_err_set_errno(err, errno, "cannot open \"%s\"", path);
    if (fstat(fd, &status) != 0)
        st = capi_err_set_errno(err, errno, "cannot open \"%s\"", path);
    else
        st = protocol->upload(net, &parts, url, fd, (uint64_t)status.st_size, watch, err);
    close(fd);
    return st;
}

capi_status capi_net_remove(capi_net *net, capi_str url, capi_err *err)
{
    const net_protocol *protocol;
    capi_url parts;
    capi_status st;

    CAPI_TRY(find_protocol(url, "remove", &parts, &protocol, err));
    if (!protocol->remove) return cannot("remove", url, err);
    st = protocol->remove(net, &parts, url, err);
    return st == CAPI_NOT_FOUND ? CAPI_OK : st;
}

/* ---- lists ---- */

capi_status capi_net_list(capi_net *net, capi_str pattern, capi_arena *arena, capi_net_entry **out, uint32_t *count,
                          capi_err *err)
{
    const net_protocol *protocol;
    net_listing listing = {0};
    capi_url url;
    capi_status st;

    *out = NULL;
    *count = 0;
    CAPI_TRY(find_protocol(pattern, "list", &url, &protocol, err));
    listing.literal = url.path;
    listing.path_at = (size_t)(url.path.data - pattern.data);
    listing.is_folder = capi_str_ends(url.path, "/");
    listing.glob = capi_str_format(arena, "%.*s%s", CAPI_STR_ARG(url.path), listing.is_folder ? "*" : "");
    st = protocol->list(net, &url, pattern, arena, &listing, err);
    if (st == CAPI_OK) net_listing_sort(&listing, arena, out, count);
    free(listing.entries);
    return st;
}
