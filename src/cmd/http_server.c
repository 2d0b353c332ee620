/* http_server.c - libmicrohttpd with bounds, and one callback. */
#include "cmd/http_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HTTP_CONNECTIONS_MAX = 32, HTTP_TIMEOUT_S = 10, HTTP_REQUEST_BYTES_MAX = 16384 };

struct capi_http_server {
    struct MHD_Daemon *daemon;
    capi_http_fn fn;
    void *context;
    uint16_t port;
};

static enum MHD_Result send_answer(struct MHD_Connection *connection, uint32_t status, const char *content_type,
                                   capi_str body)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(body.bytes, (void *)(uintptr_t)body.data, MHD_RESPMEM_MUST_COPY);
    enum MHD_Result result;

    if (!response) return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED) MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *upload, size_t *upload_bytes,
                                  void **state)
{
    static int has_headers; /* its address marks the second call */
    const capi_http_server *server = context;
    capi_http_answer answer = {.status = MHD_HTTP_NOT_FOUND, .content_type = "text/plain; charset=utf-8"};
    enum MHD_Result result;

    (void)version;
    (void)upload;
    if (!*state) {
        *state = &has_headers;
        return MHD_YES;
    }
    if (*upload_bytes) { /* a body is read and forgotten */
        *upload_bytes = 0;
        return MHD_YES;
    }
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        return send_answer(connection, MHD_HTTP_METHOD_NOT_ALLOWED, answer.content_type,
                           CAPI_STR("405 method not allowed\n"));
    server->fn(server->context, path, &answer);
    if (answer.status == MHD_HTTP_NOT_FOUND && answer.body.bytes == 0)
        capi_buf_append_text(&answer.body, "404 page not found\n");
    result = send_answer(connection, answer.status, answer.content_type, capi_buf_str(&answer.body));
    capi_buf_deinit(&answer.body);
    return result;
}

/* A listening socket of our own, so that the cause of a failure can be told. */
static capi_status listen_on(const char *address, uint16_t port, int *out, capi_err *err)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    bool is_v4 = inet_pton(AF_INET, address, &v4.sin_addr) == 1;
    int on = 1;
    int fd;

    if (!is_v4 && inet_pton(AF_INET6, address, &v6.sin6_addr) != 1)
        return capi_err_set(err, CAPI_INVALID, "\"%s\" is no IP address to listen on", address);
    fd = socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return capi_err_set_errno(err, errno, "could not make a socket");
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, is_v4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6, is_v4 ? sizeof v4 : sizeof v6) != 0 ||
        listen(fd, HTTP_CONNECTIONS_MAX) != 0) {
        capi_err_set(err, CAPI_UNAVAILABLE, "could not listen on port %u of address %s: %s", port, address,
                     strerror(errno));
        close(fd);
        return CAPI_UNAVAILABLE;
    }
    *out = fd;
    return CAPI_OK;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_storage name;
    socklen_t bytes = sizeof name;

    if (getsockname(fd, (struct sockaddr *)&name, &bytes) != 0) return 0;
    return ntohs(name.ss_family == AF_INET ? ((struct sockaddr_in *)&name)->sin_port
                                           : ((struct sockaddr_in6 *)&name)->sin6_port);
}

capi_status capi_http_server_start(const char *address, uint16_t port, capi_http_fn fn, void *context,
                                   capi_http_server **out, capi_err *err)
{
    capi_http_server *server;
    int fd = -1;

    *out = NULL;
    CAPI_TRY(listen_on(address, port, &fd, err));
    server = capi_zmalloc(sizeof *server);
    *server = (capi_http_server){.fn = fn, .context = context, .port = port_of(fd)};
    server->daemon = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, on_request, server, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)HTTP_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)HTTP_TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_REQUEST_BYTES_MAX, MHD_OPTION_END);
    if (!server->daemon) {
        close(fd);
        free(server);
        return capi_err_set(err, CAPI_UNAVAILABLE, "could not start the HTTP server on port %u of address %s", port,
                            address);
    }
    *out = server;
    return CAPI_OK;
}

uint16_t capi_http_server_port(const capi_http_server *server)
{
    return server->port;
}

void capi_http_server_end(capi_http_server *server)
{
    if (!server) return;
    MHD_stop_daemon(server->daemon);
    free(server);
}
