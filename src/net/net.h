/* net.h - files that lie elsewhere: http(s), s3 and sftp.
 *
 * A URL without "://" and "file://..." are local and never come here; everything else is a *remote* file, which is either
 * fetched whole into memory (scripts, parameters, code, criteria: small), downloaded to a temporary file (data: any size,
 * resumed where it broke off), read in ranges (Parquet), listed (wildcards), or uploaded (results).
 *
 * No silent truncation: what arrives must have the length that was announced, and all parts of one file the same ETag (or
 * modification time). A connection that breaks or stalls is tried again with growing pauses, until no byte has
 * come for the time budget of the settings; a download goes on where it broke off if the server allows it.
 *
 * Threads: a capi_net may be used by all threads at once; it holds the connections that may be used again. A call waits, looks at
 * `is_stopped` at least every 100 ms, and ends with CAPI_STOPPED. Errors name the URL (without password and signature) and the
 * cause: CAPI_NOT_FOUND (404, no such key or file), CAPI_INVALID (refused, bad credentials, unknown host key, redirect loop),
 * CAPI_CONFLICT (the file changed while it was read), CAPI_UNAVAILABLE (no whole answer within the budget, a full disk).
 *
 * One thing cannot be told: an HTTP/1.0 server that announces no length and closes the connection early. */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "net/url.h"

typedef struct capi_net_key { /* of "private_keys": who logs in by sftp with which key */
    capi_str user;
    capi_str path;
} capi_net_key;

typedef struct capi_net_settings {
    const char *ca_path; /* folder of PEM files: the only authorities trusted by https; NULL: the system's */
    const capi_net_key *private_keys; /* sftp */
    uint32_t private_key_count;
    const char *known_hosts_path; /* sftp; NULL: ~/.ssh/known_hosts */
    bool is_any_host_trusted;     /* sftp: host keys are not checked */
    const char
        *s3_endpoint; /* instead of Amazon's: "http://127.0.0.1:9000"; NULL: AWS_ENDPOINT_URL(_S3), else Amazon */
    const char *temporary_path;  /* folder for downloads and uploads; made if missing, 0700 */
    uint32_t connect_timeout_ms; /* 0: 10,000 */
    uint32_t idle_timeout_ms;    /* no byte for so long: the connection is given up; 0: 30,000 */
    uint32_t retry_budget_ms;    /* 0: 120,000; from the last byte that came */
} capi_net_settings;

typedef struct capi_net capi_net;

CAPI_MUST_USE capi_status capi_net_new(const capi_net_settings *settings, capi_net **out, capi_err *err);
void capi_net_free(capi_net *net);

/* True for a scheme that this build can read, or write. Local paths are neither. */
bool capi_net_can_read(capi_str url);  /* http, https, s3, sftp */
bool capi_net_can_write(capi_str url); /* s3, sftp */

typedef struct capi_net_watch { /* of a call that takes long; all may be unset */
    bool (*is_stopped)(void *context);
    void (*progress)(void *context, uint64_t bytes_done, uint64_t bytes_all); /* bytes_all 0: unknown */
    void *context;
    bool *
        gave_up; /* set when CAPI_UNAVAILABLE means that the time budget was used up: to try again soon makes no sense */
} capi_net_watch;

/* A small file; an error if it has more than max_bytes. */
CAPI_MUST_USE capi_status capi_net_fetch(capi_net *net, capi_str url, uint64_t max_bytes, const capi_net_watch *watch,
                                         capi_arena *arena, capi_str *out, capi_err *err);
/* To a new temporary file, whose path is put in the arena. The caller removes it; it is removed at once on failure. */
CAPI_MUST_USE capi_status capi_net_download(capi_net *net, capi_str url, const capi_net_watch *watch, capi_arena *arena,
                                            const char **path, capi_err *err);

/* A remote file read in ranges. Threads may read at once. The file is told apart by its ETag (or modification time and size):
 * CAPI_CONFLICT if it changes meanwhile. */
typedef struct capi_net_file capi_net_file;
CAPI_MUST_USE capi_status capi_net_open(capi_net *net, capi_str url, const capi_net_watch *watch, capi_net_file **out,
                                        capi_err *err);
uint64_t capi_net_file_bytes(const capi_net_file *file);
/* False: the server knows no ranges (or no length): download it instead. */
bool capi_net_has_ranges(const capi_net_file *file);
CAPI_MUST_USE capi_status capi_net_read_at(capi_net_file *file, uint64_t offset, void *to, size_t bytes,
                                           const capi_net_watch *watch, capi_err *err);
/* The same to the same place of a local file. */
CAPI_MUST_USE capi_status capi_net_copy_at(capi_net_file *file, uint64_t offset, uint64_t bytes, int fd,
                                           const capi_net_watch *watch, capi_err *err);
void capi_net_file_close(capi_net_file *file); /* NULL is fine */
/* A new temporary file without a name. */
CAPI_MUST_USE capi_status capi_net_temporary_fd(capi_net *net, int *fd, capi_err *err);

/* Puts a local file there, replacing what is there. s3: in parts when large, visible only when whole. sftp: written beside its
 * target in folders that are made, then renamed onto it. Safe to repeat. */
CAPI_MUST_USE capi_status capi_net_upload(capi_net *net, const char *path, capi_str url, const capi_net_watch *watch,
                                          capi_err *err);
/* Removes it; a missing one is fine. */
CAPI_MUST_USE capi_status capi_net_remove(capi_net *net, capi_str url, capi_err *err);

typedef struct capi_net_entry {
    capi_str url;
    uint64_t bytes;
} capi_net_entry;
/* What matches: * and ? and [..] within the path (s3; sftp: in its last part), or everything directly in it when it ends in "/"; but
 * a file of exactly that name goes before all. Sorted by URL; at most CAPI_NET_LIST_MAX. Http has no lists: there it is the file of
 * that name, or an error. files.h has the same for local names. */
enum { CAPI_NET_LIST_MAX = 100000 };
CAPI_MUST_USE capi_status capi_net_list(capi_net *net, capi_str pattern, capi_arena *arena, capi_net_entry **out,
                                        uint32_t *count, capi_err *err);

/* Are there credentials for s3 in the environment or in the profile? Asks no server. The region that they name is in the arena. */
bool capi_net_s3_found(capi_arena *arena, capi_str *region);
