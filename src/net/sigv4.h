/* sigv4.h - signatures of requests to S3, Signature Version 4.
 * Source: "Authenticating Requests (AWS Signature Version 4)", Amazon S3 API Reference. */
#pragma once

#include "base/str.h"

typedef struct aws_signing {
    const char *method;
    capi_str host;         /* as the Host header says it, with the port if it is not the standard one */
    capi_str path;         /* percent-encoded, begins with "/" */
    capi_str query;        /* canonical: percent-encoded pairs, sorted */
    capi_str payload_hash; /* hex SHA-256 of the body */
    capi_str access_key, secret_key, token, region;
    int64_t time_s; /* since 1970 */
} aws_signing;

/* The headers to send, each "Name: value" with a NUL behind: Authorization, x-amz-date, x-amz-content-sha256, and, if
 * there is a token, x-amz-security-token (else NULL). */
void aws_sign(const aws_signing *signing, capi_arena *arena, const char *headers[4]);

enum { SHA256_HEX_BYTES = 64 };
void sha256_hex(const void *data, size_t bytes, char out[SHA256_HEX_BYTES + 1]);
/* Of bytes from..from+bytes of a file; false when they cannot be read. */
bool sha256_file_hex(int fd, uint64_t from, uint64_t bytes, char out[SHA256_HEX_BYTES + 1]);
