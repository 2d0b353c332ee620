/* generate.c - makes the two CSV files of the benchmark, always the same for a number of rows: generate ROWS FOLDER.
 *
 * facts.csv    9 columns: id and key (each number from 1 to ROWS once, key in scattered order), two texts, a datetime, two
 *              decimals, a float, a bool
 * details.csv  key (from 1 to ROWS at random: some keys often, some never) and amount */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state = 42;

/* SplitMix64 (public domain, Sebastiano Vigna). */
static uint64_t draw(void)
{
    uint64_t z = (state += 0x9e3779b97f4a7c15ull);

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

static char *put_text(char *to, const char *text)
{
    size_t bytes = strlen(text);

    memcpy(to, text, bytes);
    return to + bytes;
}

static char *put_number(char *to, uint64_t value, int digits_min)
{
    char digits[20];
    int count = 0;

    while (value > 0 || count < digits_min || count == 0) {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    }
    while (count > 0)
        *to++ = digits[--count];
    return to;
}

static char *put_cents(char *to, uint64_t cents)
{
    to = put_number(to, cents / 100, 1);
    *to++ = '.';
    return put_number(to, cents % 100, 2);
}

/* Between 2000 and 2027, any day up to the 28th. */
static char *put_datetime(char *to, uint64_t random)
{
    to = put_number(to, 2000 + random % 28, 4);
    *to++ = '-';
    to = put_number(to, 1 + (random >> 8) % 12, 2);
    *to++ = '-';
    to = put_number(to, 1 + (random >> 16) % 28, 2);
    *to++ = ' ';
    to = put_number(to, (random >> 24) % 24, 2);
    *to++ = ':';
    to = put_number(to, (random >> 32) % 60, 2);
    *to++ = ':';
    return put_number(to, (random >> 40) % 60, 2);
}

/* 6 to 21 letters. */
static char *put_name(char *to, uint64_t random)
{
    int count = 6 + (int)(random % 16);

    for (int i = 0; i < count; i++) {
        if (i % 8 == 0) random = draw();
        *to++ = (char)('a' + (random >> (i % 8 * 8) & 0xff) % 26);
    }
    return to;
}

/* A step of a full cycle through 0 .. rows-1: odd and not a factor of `rows`. */
static uint64_t gcd(uint64_t a, uint64_t b)
{
    return b ? gcd(b, a % b) : a;
}

static FILE *open_file(const char *folder, const char *name)
{
    char path[4096];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "w");
    if (!file) {
        perror(path);
        exit(1);
    }
    setvbuf(file, NULL, _IOFBF, 1 << 20);
    return file;
}

static void close_file(FILE *file)
{
    if (fclose(file) != 0) {
        perror("could not write");
        exit(1);
    }
}

static void write_facts(const char *folder, uint64_t rows)
{
    static const char *const categories[] = {
        "kitchen",           "office",        "garden", "home", "toys", "books", "music", "sports", "clothes and shoes",
        "health and beauty", "tools, garage", "other"};
    FILE *file = open_file(folder, "facts.csv");
    uint64_t step = (uint64_t)((double)rows * 0.6180339887) | 1;
    uint64_t key = 0;
    char line[512];

    while (gcd(step, rows) != 1)
        step += 2;
    fputs("id,key,name,category,at,price,cost,weight,active\n", file);
    for (uint64_t i = 0; i < rows; i++) {
        const char *category = categories[draw() % 12];
        char *to = put_number(line, i + 1, 1);

        key = (key + step) % rows;
        *to++ = ',';
        to = put_number(to, key + 1, 1);
        *to++ = ',';
        to = put_name(to, draw());
        *to++ = ',';
        if (strchr(category, ',')) *to++ = '"';
        to = put_text(to, category);
        if (strchr(category, ',')) *to++ = '"';
        *to++ = ',';
        to = put_datetime(to, draw());
        *to++ = ',';
        to = put_cents(to, draw() % 100000);
        *to++ = ',';
        if (draw() % 4 == 0) *to++ = '-';
        to = put_cents(to, 1 + draw() % 10000000);
        *to++ = ',';
        to = put_number(to, draw() % 10000, 1);
        *to++ = '.';
        to = put_number(to, draw() % 1000000, 6);
        to = put_text(to, draw() % 2 ? ",true\n" : ",false\n");
        fwrite(line, 1, (size_t)(to - line), file);
    }
    close_file(file);
}

static void write_details(const char *folder, uint64_t rows)
{
    FILE *file = open_file(folder, "details.csv");
    char line[128];

    fputs("key,amount\n", file);
    for (uint64_t i = 0; i < rows; i++) {
        char *to = put_number(line, 1 + draw() % rows, 1);

        *to++ = ',';
        to = put_cents(to, draw() % 1000000);
        *to++ = '\n';
        fwrite(line, 1, (size_t)(to - line), file);
    }
    close_file(file);
}

int main(int argc, char **argv)
{
    uint64_t rows = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;

    if (argc != 3 || rows == 0) {
        fprintf(stderr, "usage: generate ROWS FOLDER\n");
        return 2;
    }
    write_facts(argv[2], rows);
    write_details(argv[2], rows);
    return 0;
}
