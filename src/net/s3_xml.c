/* s3_xml.c - see s3_xml.h. Keys come percent-encoded (encoding-type=url), because XML cannot hold all of them. */
#include "net/s3_xml.h"

#include <expat.h>

typedef struct xml_reader {
    capi_str bucket;
    capi_arena *arena;
    net_listing *listing;
    s3_answer *answer;
    capi_buf text; /* of the innermost element */
    capi_str key;
    uint64_t bytes;
    uint32_t depth;
    capi_status status;
    capi_err *err;
} xml_reader;

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* "+" is a blank in this encoding. */
static capi_str decode_key(capi_arena *arena, capi_str text)
{
    char *out = capi_arena_alloc(arena, text.bytes + 1);
    size_t bytes = 0;

    for (size_t i = 0; i < text.bytes; i++) {
        int high = i + 2 < text.bytes && text.data[i] == '%' ? hex_digit(text.data[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(text.data[i + 2]) : -1;

        if (low >= 0) {
            out[bytes++] = (char)(high << 4 | low);
            i += 2;
        } else {
            out[bytes++] = text.data[i] == '+' ? ' ' : text.data[i];
        }
    }
    out[bytes] = 0;
    return (capi_str){out, bytes};
}

static void on_start(void *context, const char *name, const char **attributes)
{
    xml_reader *reader = context;

    (void)attributes;
    if (reader->depth++ == 0 && strcmp(name, "Error") == 0) reader->answer->is_error = true;
    if (strcmp(name, "Contents") == 0) {
        reader->key = (capi_str){0};
        reader->bytes = 0;
    }
    capi_buf_clear(&reader->text);
}

static void on_text(void *context, const char *text, int bytes)
{
    xml_reader *reader = context;

    if (reader->text.bytes < 65536) capi_buf_append(&reader->text, text, (size_t)bytes);
}

static void keep(capi_buf *to, capi_str text)
{
    capi_buf_clear(to);
    capi_buf_append_str(to, text);
}

static void on_end(void *context, const char *name)
{
    xml_reader *reader = context;
    capi_str text = capi_buf_str(&reader->text);

    reader->depth--;
    if (strcmp(name, "Key") == 0) {
        reader->key = decode_key(reader->arena, text);
    } else if (strcmp(name, "Size") == 0) {
        for (size_t i = 0; i < text.bytes && text.data[i] >= '0' && text.data[i] <= '9'; i++)
            reader->bytes = reader->bytes * 10 + (uint64_t)(text.data[i] - '0');
    } else if (strcmp(name, "Contents") == 0 && reader->listing && reader->status == CAPI_OK && reader->key.bytes) {
        capi_str url =
            capi_str_format(reader->arena, "s3://%.*s/%.*s", CAPI_STR_ARG(reader->bucket), CAPI_STR_ARG(reader->key));

        reader->status = net_listing_add(reader->listing, url, reader->bytes, reader->err);
    } else if (strcmp(name, "NextContinuationToken") == 0) {
        keep(&reader->answer->next_token, text);
    } else if (strcmp(name, "IsTruncated") == 0) {
        reader->answer->is_truncated = capi_str_is(capi_str_trim(text), "true");
    } else if (strcmp(name, "UploadId") == 0) {
        keep(&reader->answer->upload_id, text);
    } else if (strcmp(name, "Code") == 0) {
        keep(&reader->answer->error_code, text);
    } else if (strcmp(name, "Message") == 0) {
        keep(&reader->answer->error_text, text);
    }
    capi_buf_clear(&reader->text);
}

capi_status s3_xml_read(capi_str text, capi_str bucket, capi_arena *arena, net_listing *listing, s3_answer *out,
                        capi_err *err)
{
    xml_reader reader = {.bucket = bucket, .arena = arena, .listing = listing, .answer = out, .err = err};
    XML_Parser parser = XML_ParserCreate(NULL);
    bool is_well = false;

    if (parser) {
        XML_SetUserData(parser, &reader);
        XML_SetElementHandler(parser, on_start, on_end);
        XML_SetCharacterDataHandler(parser, on_text);
        is_well = text.bytes < INT32_MAX && XML_Parse(parser, text.data, (int)text.bytes, 1) == XML_STATUS_OK;
        XML_ParserFree(parser);
    }
    capi_buf_deinit(&reader.text);
    if (!is_well) return capi_err_set(err, CAPI_UNAVAILABLE, "the server's answer is no well-formed XML");
    return reader.status;
}

void s3_answer_deinit(s3_answer *answer)
{
    capi_buf_deinit(&answer->upload_id);
    capi_buf_deinit(&answer->next_token);
    capi_buf_deinit(&answer->error_code);
    capi_buf_deinit(&answer->error_text);
}
