/* files.c - see files.h. Local folders are walked part by part of the path; elsewhere the server is asked (capi_net_list). */
#include "net/files.h"

#include "net/glob.h"
#include "net/protocol.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- what is a pattern ---- */

/* In URLs of http "?" and "[" mean something else, and a path with a query is no folder. */
static bool is_http_pattern(const capi_url *url)
{
    return (url->path.bytes && memchr(url->path.data, '*', url->path.bytes)) ||
           (url->query.bytes == 0 && url->path.bytes > 1 && capi_str_ends(url->path, "/"));
}

bool capi_files_is_pattern(capi_str url)
{
    capi_str path = capi_url_local_path(url);
    capi_url parts;

    if (capi_url_scheme(url) == CAPI_SCHEME_LOCAL) return capi_glob_is_pattern(path) || capi_str_ends(path, "/");
    if (capi_url_parse(url, &parts, NULL) != CAPI_OK) return false;
    if (parts.scheme == CAPI_SCHEME_OTHER) return false;
    if (parts.scheme == CAPI_SCHEME_HTTP || parts.scheme == CAPI_SCHEME_HTTPS) return is_http_pattern(&parts);
    return capi_glob_is_pattern(parts.path) || capi_str_ends(parts.path, "/");
}

/* ---- local ---- */

typedef struct walk {
    capi_arena *arena;
    net_listing *listing;
    capi_buf path; /* of the place where it is */
    int error;     /* of the first folder that could not be read */
    char error_path[PATH_MAX];
} walk;

static capi_status walk_from(walk *w, capi_str rest, capi_err *err);

static const char *path_text(walk *w)
{
    capi_buf_append_byte(&w->path, 0);
    w->path.bytes--;
    return w->path.data;
}

static bool is_there(walk *w, capi_str name)
{
    size_t bytes = w->path.bytes;
    struct stat status;
    bool found;

    capi_buf_append_str(&w->path, name);
    found = stat(path_text(w), &status) == 0;
    w->path.bytes = bytes;
    return found;
}

/* The end of the path: a file. Folders do not match; what matches and cannot be read as a file must not be left out in silence. */
static capi_status walk_end(walk *w, capi_err *err)
{
    const char *path = path_text(w);
    struct stat status;

    if (stat(path, &status) != 0) {
        if (lstat(path, &status) != 0) return CAPI_OK; /* it has gone meanwhile, or was never there */
        return capi_err_set(err, CAPI_INVALID, "\"%s\" is a link that leads nowhere, expected a file or a link to one",
                            path);
    }
    if (S_ISDIR(status.st_mode)) return CAPI_OK;
    if (!S_ISREG(status.st_mode))
        return capi_err_set(err, CAPI_INVALID, "\"%s\" is a special file, expected a regular one", path);
    return net_listing_keep(w->listing, capi_str_copy(w->arena, capi_buf_str(&w->path)), (uint64_t)status.st_size, err);
}

static capi_status walk_name(walk *w, capi_str name, capi_str rest, capi_err *err)
{
    size_t bytes = w->path.bytes;
    capi_status st;

    capi_buf_append_str(&w->path, name);
    st = rest.bytes ? walk_from(w, rest, err) : walk_end(w, err);
    w->path.bytes = bytes;
    return st;
}

static capi_status walk_folder(walk *w, capi_str wanted, capi_str rest, capi_err *err)
{
    const char *path = w->path.bytes ? path_text(w) : ".";
    DIR *folder = opendir(path);
    struct dirent *entry;
    capi_status st = CAPI_OK;

    if (!folder) {
        if (!w->error) {
            w->error = errno;
            snprintf(w->error_path, sizeof w->error_path, "%s", path);
        }
        return CAPI_OK;
    }
    while (st == CAPI_OK && (entry = readdir(folder))) {
        capi_str name = capi_str_of(entry->d_name);

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        if (capi_glob_matches(wanted, name)) st = walk_name(w, name, rest, err);
    }
    closedir(folder);
    return st;
}

/* `rest` is "name", "name/...", or "/...". */
static capi_status walk_from(walk *w, capi_str rest, capi_err *err)
{
    size_t end = 0;
    capi_str name;

    while (rest.bytes && rest.data[0] == '/') {
        capi_buf_append_byte(&w->path, '/');
        rest = capi_str_slice(rest, 1, rest.bytes);
    }
    if (rest.bytes == 0) return walk_folder(w, CAPI_STR("*"), rest, err); /* "folder/" */
    while (end < rest.bytes && rest.data[end] != '/')
        end++;
    name = capi_str_slice(rest, 0, end);
    rest = capi_str_slice(rest, end, rest.bytes);
    if (capi_glob_is_pattern(name) && !is_there(w, name)) return walk_folder(w, name, rest, err);
    return walk_name(w, name, rest, err);
}

/* The list is kept for processes that may run in another folder. */
static capi_status begin_path(walk *w, capi_str path, capi_err *err)
{
    char folder[PATH_MAX];

    if (path.data[0] == '/') return CAPI_OK;
    if (!getcwd(folder, sizeof folder)) return capi_err_set_errno(err, errno, "cannot tell the current folder");
    capi_buf_append_text(&w->path, folder);
    capi_buf_append_byte(&w->path, '/');
    return CAPI_OK;
}

static capi_status list_local(capi_str url, capi_arena *arena, net_listing *listing, capi_err *err)
{
    walk w = {.arena = arena, .listing = listing};
    capi_str path = capi_url_local_path(url);
    capi_status st = begin_path(&w, path, err);

    if (st == CAPI_OK) st = walk_from(&w, path, err);
    if (st == CAPI_OK && listing->count == 0 && w.error)
        st = capi_err_set(err, CAPI_INVALID, "no file matches \"%.*s\": cannot read the folder \"%s\": %s",
                          CAPI_STR_ARG(url), w.error_path, strerror(w.error));
    capi_buf_deinit(&w.path);
    return st;
}

/* ---- all ---- */

static bool is_local_name(capi_str url, capi_arena *arena)
{
    struct stat status;
    const char *path = capi_str_copy(arena, capi_url_local_path(url)).data;

    return capi_url_scheme(url) == CAPI_SCHEME_LOCAL && !capi_str_ends(url, "/") && stat(path, &status) == 0;
}

static capi_status match_local(capi_str url, capi_arena *arena, capi_net_entry **out, uint32_t *count, capi_err *err)
{
    net_listing listing = {0};
    capi_status st = list_local(url, arena, &listing, err);

    if (st == CAPI_OK) net_listing_sort(&listing, arena, out, count);
    free(listing.entries);
    return st;
}

capi_status capi_files_match(capi_net *net, capi_str url, capi_arena *arena, capi_net_entry **out, uint32_t *count,
                             capi_err *err)
{
    *out = NULL;
    *count = 0;
    if (!capi_files_is_pattern(url) || is_local_name(url, arena)) {
        *out = capi_new(arena, capi_net_entry);
        **out = (capi_net_entry){.url = url};
        *count = 1;
        return CAPI_OK;
    }
    if (capi_url_scheme(url) == CAPI_SCHEME_LOCAL)
        CAPI_TRY(match_local(url, arena, out, count, err));
    else
        CAPI_TRY(capi_net_list(net, url, arena, out, count, err));
    if (*count) return CAPI_OK;
    return capi_err_set(err, CAPI_INVALID, "no file %s \"%.*s\"", capi_str_ends(url, "/") ? "lies in" : "matches",
                        CAPI_STR_ARG(capi_url_show(arena, url)));
}
