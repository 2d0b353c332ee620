/* partial_test.c - many threads read a file of a small server on loopback, which breaks off now and then. */
#include "net/partial.h"

#include "base/test.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FILE_BYTES = 6000000, SERVER_THREADS = 10, READER_THREADS = 6, READS = 150, READ_BYTES_MAX = 100000 };

static uint8_t byte_at(uint64_t offset)
{
    return (uint8_t)(offset * 31 ^ offset >> 8 ^ offset >> 16);
}

/* ---- a server ---- */

typedef struct server {
    int fd;
    uint16_t port;
    pthread_t threads[SERVER_THREADS];
    uint32_t break_every; /* 0: never */
    _Atomic uint32_t answers;
    _Atomic uint64_t sent;
} server;

static bool send_all(int fd, const void *data, size_t bytes)
{
    const char *at = data;

    while (bytes > 0) {
        ssize_t sent = send(fd, at, bytes, MSG_NOSIGNAL);

        if (sent <= 0) return false;
        at += sent;
        bytes -= (size_t)sent;
    }
    return true;
}

/* False: the connection ends. */
static bool answer(server *s, int fd, const char *request)
{
    const char *range = strstr(request, "Range: bytes=");
    uint32_t number = atomic_fetch_add(&s->answers, 1) + 1;
    bool breaks = s->break_every && number > 2 && number % s->break_every == 0;
    unsigned long long from = 0, to = FILE_BYTES - 1;
    char head[256];
    uint8_t *body;
    size_t bytes;
    bool is_well;

    if (!range || sscanf(range + 13, "%llu-%llu", &from, &to) != 2 || to >= FILE_BYTES || from > to) return false;
    snprintf(head, sizeof head,
             "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes %llu-%llu/%d\r\nContent-Length: %llu\r\n"
             "ETag: \"v1\"\r\nAccept-Ranges: bytes\r\n\r\n",
             from, to, FILE_BYTES, to - from + 1);
    bytes = (size_t)(breaks ? (to - from) / 2 : to - from + 1);
    body = capi_malloc(bytes + 1);
    for (size_t i = 0; i < bytes; i++)
        body[i] = byte_at(from + i);
    atomic_fetch_add(&s->sent, bytes);
    is_well = send_all(fd, head, strlen(head)) && send_all(fd, body, bytes) && !breaks;
    free(body);
    return is_well;
}

static void serve_connection(server *s, int fd)
{
    char request[4096];
    size_t have = 0;

    for (;;) {
        ssize_t got = recv(fd, request + have, sizeof request - 1 - have, 0);

        if (got <= 0) break;
        have += (size_t)got;
        request[have] = 0;
        if (!strstr(request, "\r\n\r\n")) continue;
        if (!answer(s, fd, request)) break;
        have = 0;
    }
    close(fd);
}

static void *serve(void *context)
{
    server *s = context;

    for (;;) {
        int fd = accept(s->fd, NULL, NULL);

        if (fd < 0) return NULL;
        serve_connection(s, fd);
    }
}

static void server_start(server *s, uint32_t break_every)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof address;

    *s = (server){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), .break_every = break_every};
    CHECK(bind(s->fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(s->fd, 64) == 0);
    CHECK(getsockname(s->fd, (struct sockaddr *)&address, &bytes) == 0);
    s->port = ntohs(address.sin_port);
    for (int i = 0; i < SERVER_THREADS; i++)
        CHECK(pthread_create(&s->threads[i], NULL, serve, s) == 0);
}

/* After the clients have closed their connections. */
static void server_end(server *s)
{
    shutdown(s->fd, SHUT_RDWR);
    for (int i = 0; i < SERVER_THREADS; i++)
        pthread_join(s->threads[i], NULL);
    close(s->fd);
}

/* ---- readers ---- */

typedef struct fixture {
    server server;
    capi_net *net;
    capi_partial *file;
} fixture;

static void fixture_open(fixture *f, uint32_t break_every)
{
    capi_net_settings settings = {.temporary_path = capi_test_folder()};
    capi_net_watch watch = {0};
    capi_arena arena = {0};

    server_start(&f->server, break_every);
    CHECK(capi_net_new(&settings, &f->net, NULL) == CAPI_OK);
    CHECK(capi_partial_open(f->net, capi_str_format(&arena, "http://127.0.0.1:%u/x", f->server.port), &watch, &f->file,
                            NULL) == CAPI_OK);
    CHECK(f->file && capi_partial_size_bytes(f->file) == FILE_BYTES);
    capi_arena_deinit(&arena);
}

static void fixture_close(fixture *f)
{
    capi_partial_close(f->file);
    capi_net_free(f->net);
    server_end(&f->server);
}

typedef struct reader {
    pthread_t thread;
    capi_partial *file;
    const capi_partial_range *ranges; /* reads lie in these; NULL: anywhere */
    uint32_t range_count;
    uint64_t seed;
    uint32_t wrong;
} reader;

static uint64_t next(reader *r)
{
    r->seed = r->seed * 6364136223846793005u + 1442695040888963407u;
    return r->seed >> 33;
}

static void read_one(reader *r, uint8_t *to)
{
    capi_partial_range within = {0, FILE_BYTES};
    uint64_t offset, bytes;

    if (r->ranges) within = r->ranges[next(r) % r->range_count];
    offset = within.offset + next(r) % within.bytes;
    bytes = 1 + next(r) % READ_BYTES_MAX;
    if (bytes > within.offset + within.bytes - offset) bytes = within.offset + within.bytes - offset;
    if (capi_partial_read_at(r->file, offset, to, bytes, NULL) != CAPI_OK) r->wrong++;
    for (uint64_t i = 0; i < bytes; i++)
        if (to[i] != byte_at(offset + i)) {
            r->wrong++;
            break;
        }
}

static void *read_many(void *context)
{
    reader *r = context;
    uint8_t *to = capi_zmalloc(READ_BYTES_MAX);

    for (uint32_t i = 0; i < READS; i++)
        read_one(r, to);
    free(to);
    return NULL;
}

static void read_by_threads(capi_partial *file, const capi_partial_range *ranges, uint32_t range_count)
{
    reader readers[READER_THREADS];

    for (uint32_t i = 0; i < READER_THREADS; i++) {
        readers[i] = (reader){.file = file, .ranges = ranges, .range_count = range_count, .seed = i + 1};
        CHECK(pthread_create(&readers[i].thread, NULL, read_many, &readers[i]) == 0);
    }
    for (uint32_t i = 0; i < READER_THREADS; i++)
        pthread_join(readers[i].thread, NULL);
    for (uint32_t i = 0; i < READER_THREADS; i++)
        CHECK_INT(readers[i].wrong, 0);
}

/* ---- tests ---- */

TEST(what_is_expected_is_fetched_once)
{
    static const capi_partial_range ranges[] = {{3000000, 400000}, {4, 100000}, {3400100, 50000}, {100, 500}};
    fixture f;
    uint64_t before;

    fixture_open(&f, 0);
    before = f.server.sent;
    capi_partial_expect(f.file, ranges, 4);
    read_by_threads(f.file, ranges, 4);
    CHECK_INT(f.server.sent - before, 100000 + 450100); /* overlaps once; a small gap is fetched too */
    CHECK_INT(f.server.answers, 3);
    fixture_close(&f);
}

TEST(what_breaks_off_and_what_is_not_expected_comes_all_the_same)
{
    static const capi_partial_range ranges[] = {
        {1000000, 2000000}, {FILE_BYTES - 10, 100}, {UINT64_MAX - 5, 100}, {5000000, 0}, {5500000, UINT64_MAX}};
    fixture f;

    fixture_open(&f, 7);
    capi_partial_expect(f.file, ranges, 5);
    read_by_threads(f.file, NULL, 0);
    fixture_close(&f);
}
