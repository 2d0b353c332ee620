/* table_format.h - the bytes of a segment file, as doc/internals/column-file.md describes them. Private to src/store/.
 *
 *     segment:  header, then blocks, each at a multiple of 64
 *     block:    header, one entry per column (the key hashes last), padding to 64, then each column's arrays
 *
 * All numbers are little-endian. Whoever changes anything here raises SEGMENT_VERSION. */
#pragma once

#include "base/budget.h"
#include "base/buf.h"
#include "store/table.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "column files are read and written as they lie in memory");

enum {
    SEGMENT_VERSION = 1,
    SEGMENT_HEADER_MAX = 16 << 20,
    BLOCK_ALIGN = 64,
    BLOCK_DATA_MAX = 8 << 20, /* raw bytes of a block, unless a single row has more */
    COLUMN_HASHES = 255,      /* column_entry.type of the key hashes */
    COLUMN_SLACK_BYTES = 16,  /* decoders may read so far behind an array: buffers are larger by it */
};

#define SEGMENT_MAGIC "CAPISEG\n"
#define BLOCK_MAGIC "CBLK"

typedef struct segment_header {
    char magic[8];
    uint32_t version;
    uint32_t header_bytes; /* with the fields and the padding */
    uint32_t field_count;
    uint32_t checksum; /* of header_bytes bytes, this field being 0 */
    uint64_t segment;  /* its id */
    uint8_t zero[32];
} segment_header; /* then per field: */

typedef struct segment_field {
    uint8_t type; /* capi_type */
    uint8_t zero[3];
    uint32_t name_bytes; /* the name follows */
} segment_field;

enum { BLOCK_HAS_HASHES = 1 };

typedef struct block_header {
    char magic[4];
    uint32_t row_count;
    uint32_t column_count; /* without the key hashes */
    uint32_t flags;
    uint64_t length_bytes; /* of the block, padding included */
    uint64_t zero;
} block_header;

typedef enum column_encoding {
    COLUMN_PLAIN,      /* 8 bytes a value */
    COLUMN_NARROW,     /* (value - base) / scale in `width` bytes; width 0: all values are base */
    COLUMN_BITS,       /* bools, lowest bit first; width 0: all values are base */
    COLUMN_STRINGS,    /* first array: lengths - base in `width` bytes (0: all equal); second array: the bytes */
    COLUMN_DICTIONARY, /* first: codes in `width` bytes (0: all 0); second: `count` lengths of 4 bytes, then the bytes */
    COLUMN_DECIMALS,   /* floats that are decimals of few digits: (whole number as with COLUMN_NARROW) / scale */
} column_encoding;

enum { COLUMN_HAS_RANGE = 1, COLUMN_FIRST_LZ4 = 2, COLUMN_SECOND_LZ4 = 4, COLUMN_SECOND_NIBBLES = 8 };

/* COLUMN_SECOND_NIBBLES: strings of at most 16 different bytes (hexadecimal ids, numbers, dates) take half a byte each,
 * low half first, behind the list of the bytes that the 16 codes stand for. */
enum { NIBBLES_ALPHABET = 16 };

static inline uint64_t nibbles_stored_bytes(uint64_t raw_bytes)
{
    return NIBBLES_ALPHABET + (raw_bytes + 1) / 2;
}

typedef struct column_entry {
    uint8_t type; /* capi_type, or COLUMN_HASHES */
    uint8_t encoding;
    uint8_t width;
    uint8_t flags;
    uint32_t checksum;     /* of stored_bytes bytes from offset */
    uint64_t offset;       /* from the start of the block; a multiple of 64 */
    uint64_t stored_bytes; /* both arrays, the padding between them included */
    uint64_t first_stored, first_raw;
    uint64_t second_stored, second_raw; /* begins at the next multiple of 64 behind the first */
    int64_t base;
    uint8_t minimum[8]; /* int64 or double; strings: the first 8 bytes, padded with zeros. Only with COLUMN_HAS_RANGE */
    uint8_t maximum[8];
    uint32_t scale; /* COLUMN_NARROW, _DECIMALS: a divisor; strings: the bytes of the longest */
    uint32_t count; /* of a dictionary */
} column_entry;

_Static_assert(sizeof(segment_header) == 64, "as documented");
_Static_assert(sizeof(segment_field) == 8, "as documented");
_Static_assert(sizeof(block_header) == 32, "as documented");
_Static_assert(sizeof(column_entry) == 88, "as documented");

static inline uint64_t block_aligned(uint64_t bytes)
{
    return (bytes + BLOCK_ALIGN - 1) & ~(uint64_t)(BLOCK_ALIGN - 1);
}

/* Bytes of a block's header and entries, padded. */
static inline uint64_t block_directory_bytes(uint32_t entry_count)
{
    return block_aligned(sizeof(block_header) + (uint64_t)entry_count * sizeof(column_entry));
}

/* ---- encoding (column_encode.c) ---- */

/* One column of a block to be written. Strings: lengths and all bytes in a row; others: values. */
typedef struct column_source {
    uint8_t type; /* capi_type, or COLUMN_HASHES */
    union {
        const int64_t *int64s; /* INT, DATETIME, DECIMAL; hashes */
        const double *doubles;
        const uint8_t *bools;
        const uint32_t *lengths;
    };
    const char *bytes; /* strings; COLUMN_SLACK_BYTES behind the end may be read */
    uint64_t byte_count;
} column_source;

/* What a writer remembers of a column from block to block: which ways to save space did not pay. */
typedef struct column_habit {
    uint8_t first_skip, second_skip; /* so many blocks without trying LZ4 */
    uint8_t dictionary_skip;         /* ... a dictionary */
    uint8_t dictionary_pause;        /* how long the last pause was: doubles with each failure */
} column_habit;

/* Scratch space of an encoder; all zero is valid. */
typedef struct column_scratch {
    capi_buf bytes;
    uint32_t *slots;            /* of the dictionary's hash table */
    uint32_t *starts, *lengths; /* of the dictionary's entries in the source */
} column_scratch;

void column_scratch_deinit(column_scratch *scratch);

/* Appends the arrays of one column to `block` (whose start is a block's start, and whose end is aligned before and
 * after) and fills *entry. `compress`: LZ4 where it saves an eighth. */
void column_encode(const column_source *source, uint32_t row_count, bool compress, column_habit *habit,
                   column_scratch *scratch, capi_buf *block, column_entry *entry);

/* ---- decoding (column_decode.c) ---- */

/* Whether an entry can be that of a column of `type` in a block of so many rows and bytes: everything that decoding
 * relies on, the content of the arrays apart. */
CAPI_MUST_USE capi_status column_entry_check(const column_entry *entry, uint8_t type, uint32_t row_count,
                                             uint64_t block_bytes, uint64_t directory_bytes, capi_err *err);
/* Bytes of memory for the decoded column: values or views, then string bytes. */
uint64_t column_decoded_bytes(const column_entry *entry, uint32_t row_count);
/* Decodes `stored` (stored_bytes, plus COLUMN_SLACK_BYTES that may be read) to `memory` of column_decoded_bytes bytes,
 * 64-byte aligned: the vector's values lie at its start. `scratch` is for decompression. */
CAPI_MUST_USE capi_status column_decode(const column_entry *entry, uint32_t row_count, const char *stored, void *memory,
                                        capi_buf *scratch, capi_err *err);
