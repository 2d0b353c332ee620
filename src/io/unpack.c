/* unpack.c - see unpack.h */
#include "io/unpack.h"

#include "base/buf.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

enum { IN_BYTES = 256 << 10, OUT_BYTES = 1 << 20, GZIP_LEVEL = 6, ZSTD_LEVEL = 3, ZSTD_WINDOW_LOG_MAX = 27 };

static bool ends_in_any_case(capi_str text, const char *end)
{
    size_t bytes = strlen(end);

    return text.bytes > bytes && strncasecmp(text.data + text.bytes - bytes, end, bytes) == 0;
}

capi_packing capi_packing_of(capi_str url)
{
    bool is_http = capi_str_starts(url, "http://") || capi_str_starts(url, "https://");
    size_t end = 0;

    while (end < url.bytes && !(is_http && (url.data[end] == '?' || url.data[end] == '#')))
        end++;
    url.bytes = end;
    if (ends_in_any_case(url, ".gz")) return CAPI_PACKING_GZIP;
    return ends_in_any_case(url, ".zst") ? CAPI_PACKING_ZSTD : CAPI_PACKING_NONE;
}

/* ---- unpacking ---- */

typedef struct unpacker {
    capi_file_reader *file;
    capi_str shown;
    int fd;
    uint64_t read_at;
    size_t got; /* of this block */
    uint64_t written_at;
    capi_unpack_stop_fn is_stopped;
    void *context;
    unsigned char in[IN_BYTES];
    unsigned char out[OUT_BYTES];
} unpacker;

static capi_status next_block(unpacker *u, capi_err *err)
{
    if (u->is_stopped && u->is_stopped(u->context)) return capi_err_set(err, CAPI_STOPPED, "stopped while unpacking");
    CAPI_TRY(capi_file_read_at(u->file, u->read_at, u->in, IN_BYTES, &u->got, err));
    u->read_at += u->got;
    return CAPI_OK;
}

static capi_status put(unpacker *u, size_t bytes, capi_err *err)
{
    size_t done = 0;

    while (done < bytes) {
        ssize_t got = pwrite(u->fd, u->out + done, bytes - done, (off_t)u->written_at);

        if (got < 0 && errno == EINTR) continue;
        if (got <= 0)
            return capi_err_set_errno(err, got < 0 ? errno : EIO, "cannot write what \"%.*s\" unpacks to",
                                      CAPI_STR_ARG(u->shown));
        done += (size_t)got;
        u->written_at += (uint64_t)got;
    }
    return CAPI_OK;
}

static capi_status damaged(const unpacker *u, const char *what, const char *words, capi_err *err)
{
    return capi_err_set(err, CAPI_INVALID, "\"%.*s\" is no whole %s file: %s (after %llu bytes of it)",
                        CAPI_STR_ARG(u->shown), what, words, (unsigned long long)u->read_at);
}

static capi_status unpack_gzip(unpacker *u, z_stream *stream, capi_err *err)
{
    bool is_inside = false; /* of a member */
    uint64_t members = 0;

    for (;;) {
        CAPI_TRY(next_block(u, err));
        if (u->got == 0) break;
        stream->next_in = u->in;
        stream->avail_in = (uInt)u->got;
        while (stream->avail_in) {
            int result;

            /* Zeros behind the last member are padding. */
            if (!is_inside && members && *stream->next_in == 0) {
                stream->next_in++;
                stream->avail_in--;
                continue;
            }
            if (!is_inside) inflateReset(stream);
            is_inside = true;
            do {
                stream->next_out = u->out;
                stream->avail_out = OUT_BYTES;
                result = inflate(stream, Z_NO_FLUSH);
                if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
                    return damaged(u, "gzip", stream->msg ? stream->msg : "damaged", err);
                CAPI_TRY(put(u, OUT_BYTES - stream->avail_out, err));
            } while (result != Z_STREAM_END && stream->avail_out == 0);
            if (result == Z_STREAM_END) {
                is_inside = false;
                members++;
            }
        }
    }
    return is_inside || !members ? damaged(u, "gzip", "it is cut off", err) : CAPI_OK;
}

static capi_status unpack_zstd(unpacker *u, ZSTD_DCtx *context, capi_err *err)
{
    size_t left = 1; /* 0: at the end of a frame */
    uint64_t frames = 0;

    for (;;) {
        ZSTD_inBuffer in;

        CAPI_TRY(next_block(u, err));
        if (u->got == 0) break;
        in = (ZSTD_inBuffer){u->in, u->got, 0};
        for (bool is_full = true; in.pos < in.size || is_full;) {
            ZSTD_outBuffer out = {u->out, OUT_BYTES, 0};

            left = ZSTD_decompressStream(context, &out, &in);
            if (ZSTD_isError(left)) return damaged(u, "zstd", ZSTD_getErrorName(left), err);
            CAPI_TRY(put(u, out.pos, err));
            is_full = out.pos == out.size;
            if (left == 0) frames++;
            if (left == 0 && in.pos == in.size) break;
        }
    }
    return left || !frames ? damaged(u, "zstd", "it is cut off", err) : CAPI_OK;
}

static capi_status unpack(unpacker *u, capi_packing packing, capi_err *err)
{
    capi_status st;

    if (packing == CAPI_PACKING_GZIP) {
        z_stream stream = {0};

        if (inflateInit2(&stream, 15 + 16) != Z_OK) return capi_err_set(err, CAPI_NO_MEMORY, "no memory for unpacking");
        st = unpack_gzip(u, &stream, err);
        inflateEnd(&stream);
    } else {
        ZSTD_DCtx *context = ZSTD_createDCtx();

        if (!context) return capi_err_set(err, CAPI_NO_MEMORY, "no memory for unpacking");
        ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX);
        st = unpack_zstd(u, context, err);
        ZSTD_freeDCtx(context);
    }
    return st;
}

capi_status capi_unpack_file(capi_packing packing, const char *path, capi_str shown, int fd,
                             capi_unpack_stop_fn is_stopped, void *context, capi_err *err)
{
    unpacker *u = capi_malloc(sizeof *u);
    capi_status st;

    u->shown = shown;
    u->fd = fd;
    u->read_at = u->written_at = 0;
    u->is_stopped = is_stopped;
    u->context = context;
    st = capi_file_open(path, &u->file, err);
    if (st == CAPI_OK) {
        st = unpack(u, packing, err);
        capi_file_close(u->file);
    }
    free(u);
    return st;
}

/* ---- packing ---- */

struct capi_packer {
    capi_packing packing;
    z_stream gzip;
    ZSTD_CCtx *zstd;
};

capi_packer *capi_packer_new(capi_packing packing)
{
    capi_packer *packer = capi_zmalloc(sizeof *packer);

    packer->packing = packing;
    if (packing == CAPI_PACKING_GZIP) {
        if (deflateInit2(&packer->gzip, GZIP_LEVEL, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
            packer->packing = CAPI_PACKING_NONE;
    } else if (packing == CAPI_PACKING_ZSTD) {
        packer->zstd = ZSTD_createCCtx();
        ZSTD_CCtx_setParameter(packer->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL);
        ZSTD_CCtx_setParameter(packer->zstd, ZSTD_c_checksumFlag, 1);
    }
    return packer;
}

static void pack_gzip(capi_packer *packer, const void *data, size_t bytes, bool is_end, capi_buf *out)
{
    z_stream *stream = &packer->gzip;
    size_t done = 0;
    int result;

    do {
        size_t part = bytes - done < (1u << 30) ? bytes - done : (1u << 30);

        stream->next_in = (unsigned char *)(uintptr_t)data + done;
        stream->avail_in = (uInt)part;
        done += part;
        do {
            stream->next_out = (unsigned char *)capi_buf_reserve(out, OUT_BYTES / 4);
            stream->avail_out = OUT_BYTES / 4;
            result = deflate(stream, is_end && done == bytes ? Z_FINISH : Z_NO_FLUSH);
            out->bytes += OUT_BYTES / 4 - stream->avail_out;
        } while (stream->avail_out == 0 && result != Z_STREAM_END);
    } while (done < bytes);
}

static size_t pack_zstd(capi_packer *packer, const void *data, size_t bytes, bool is_end, capi_buf *out)
{
    ZSTD_inBuffer in = {data, bytes, 0};
    size_t left;

    do {
        ZSTD_outBuffer to = {capi_buf_reserve(out, OUT_BYTES / 4), OUT_BYTES / 4, 0};

        left = ZSTD_compressStream2(packer->zstd, &to, &in, is_end ? ZSTD_e_end : ZSTD_e_continue);
        if (ZSTD_isError(left)) return left;
        out->bytes += to.pos;
    } while (is_end ? left != 0 : in.pos < in.size);
    return 0;
}

capi_status capi_packer_add(capi_packer *packer, const void *data, size_t bytes, bool is_end, capi_buf *out,
                            capi_err *err)
{
    size_t failure;

    switch (packer->packing) {
    case CAPI_PACKING_GZIP: pack_gzip(packer, data, bytes, is_end, out); return CAPI_OK;
    case CAPI_PACKING_ZSTD:
        failure = pack_zstd(packer, data, bytes, is_end, out);
        if (ZSTD_isError(failure))
            return capi_err_set(err, CAPI_NO_MEMORY, "cannot pack: %s", ZSTD_getErrorName(failure));
        return CAPI_OK;
    case CAPI_PACKING_NONE: capi_buf_append(out, data, bytes); return CAPI_OK;
    }
    return CAPI_OK;
}

void capi_packer_free(capi_packer *packer)
{
    if (!packer) return;
    if (packer->packing == CAPI_PACKING_GZIP) deflateEnd(&packer->gzip);
    ZSTD_freeCCtx(packer->zstd);
    free(packer);
}
