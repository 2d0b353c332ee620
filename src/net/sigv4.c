/* sigv4.c - see sigv4.h */
#include "net/sigv4.h"

#include "base/buf.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <time.h>
#include <unistd.h>

enum { DIGEST_BYTES = 32, READ_BYTES = 1 << 20 };

static void to_hex(const unsigned char digest[DIGEST_BYTES], char out[SHA256_HEX_BYTES + 1])
{
    static const char digits[] = "0123456789abcdef";

    for (int i = 0; i < DIGEST_BYTES; i++) {
        out[2 * i] = digits[digest[i] >> 4];
        out[2 * i + 1] = digits[digest[i] & 15];
    }
    out[SHA256_HEX_BYTES] = 0;
}

void sha256_hex(const void *data, size_t bytes, char out[SHA256_HEX_BYTES + 1])
{
    unsigned char digest[DIGEST_BYTES];

    EVP_Digest(bytes ? data : "", bytes, digest, NULL, EVP_sha256(), NULL);
    to_hex(digest, out);
}

bool sha256_file_hex(int fd, uint64_t from, uint64_t bytes, char out[SHA256_HEX_BYTES + 1])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char digest[DIGEST_BYTES];
    char *block = capi_malloc(READ_BYTES);
    bool is_whole = true;

    EVP_DigestInit_ex(context, EVP_sha256(), NULL);
    while (bytes && is_whole) {
        ssize_t got = pread(fd, block, bytes < READ_BYTES ? bytes : READ_BYTES, (off_t)from);

        is_whole = got > 0;
        if (!is_whole) break;
        EVP_DigestUpdate(context, block, (size_t)got);
        from += (uint64_t)got;
        bytes -= (uint64_t)got;
    }
    EVP_DigestFinal_ex(context, digest, NULL);
    EVP_MD_CTX_free(context);
    free(block);
    to_hex(digest, out);
    return is_whole;
}

static void hmac(const unsigned char *key, size_t key_bytes, capi_str text, unsigned char out[DIGEST_BYTES])
{
    HMAC(EVP_sha256(), key, (int)key_bytes, (const unsigned char *)text.data, text.bytes, out, NULL);
}

/* The key of a day, a region and a service. */
static void signing_key(const aws_signing *signing, capi_str day, capi_arena *arena, unsigned char key[DIGEST_BYTES])
{
    capi_str first = capi_str_format(arena, "AWS4%.*s", CAPI_STR_ARG(signing->secret_key));
    unsigned char next[DIGEST_BYTES];

    hmac((const unsigned char *)first.data, first.bytes, day, key);
    hmac(key, DIGEST_BYTES, signing->region, next);
    hmac(next, DIGEST_BYTES, CAPI_STR("s3"), key);
    hmac(key, DIGEST_BYTES, CAPI_STR("aws4_request"), next);
    memcpy(key, next, DIGEST_BYTES);
}

void aws_sign(const aws_signing *signing, capi_arena *arena, const char *headers[4])
{
    char moment[32], hash[SHA256_HEX_BYTES + 1];
    unsigned char key[DIGEST_BYTES], signature[DIGEST_BYTES];
    time_t seconds = (time_t)signing->time_s;
    bool has_token = signing->token.bytes > 0;
    const char *signed_names = has_token ? "host;x-amz-content-sha256;x-amz-date;x-amz-security-token"
                                         : "host;x-amz-content-sha256;x-amz-date";
    capi_str scope, request, text, token_line = {"", 0};
    struct tm tm;

    gmtime_r(&seconds, &tm);
    strftime(moment, sizeof moment, "%Y%m%dT%H%M%SZ", &tm);
    scope = capi_str_format(arena, "%.8s/%.*s/s3/aws4_request", moment, CAPI_STR_ARG(signing->region));
    if (has_token) token_line = capi_str_format(arena, "x-amz-security-token:%.*s\n", CAPI_STR_ARG(signing->token));
    request =
        capi_str_format(arena, "%s\n%.*s\n%.*s\nhost:%.*s\nx-amz-content-sha256:%.*s\nx-amz-date:%s\n%.*s\n%s\n%.*s",
                        signing->method, CAPI_STR_ARG(signing->path), CAPI_STR_ARG(signing->query),
                        CAPI_STR_ARG(signing->host), CAPI_STR_ARG(signing->payload_hash), moment,
                        CAPI_STR_ARG(token_line), signed_names, CAPI_STR_ARG(signing->payload_hash));
    sha256_hex(request.data, request.bytes, hash);
    text = capi_str_format(arena, "AWS4-HMAC-SHA256\n%s\n%.*s\n%s", moment, CAPI_STR_ARG(scope), hash);
    signing_key(signing, (capi_str){moment, 8}, arena, key);
    hmac(key, DIGEST_BYTES, text, signature);
    to_hex(signature, hash);
    headers[0] =
        capi_str_format(arena, "Authorization: AWS4-HMAC-SHA256 Credential=%.*s/%.*s, SignedHeaders=%s, Signature=%s",
                        CAPI_STR_ARG(signing->access_key), CAPI_STR_ARG(scope), signed_names, hash)
            .data;
    headers[1] = capi_str_format(arena, "x-amz-date: %s", moment).data;
    headers[2] = capi_str_format(arena, "x-amz-content-sha256: %.*s", CAPI_STR_ARG(signing->payload_hash)).data;
    headers[3] =
        has_token ? capi_str_format(arena, "x-amz-security-token: %.*s", CAPI_STR_ARG(signing->token)).data : NULL;
}
