// double_shim.cc - the two conversions between doubles and digits, from the library double-conversion.
#include <double-conversion/double-conversion.h>

#include <cstdint>

extern "C" unsigned capi_double_shortest(double value, char digits[18], int *point);
extern "C" double capi_double_from_text(const char *text, size_t bytes);

using double_conversion::DoubleToStringConverter;
using double_conversion::StringToDoubleConverter;

// Up to six digits after the point, which most numbers of real data have. Two decimals of at most 15 digits never read as
// the same double: so if one of them reads back as the value it is the shortest, once its zeros at the end are gone.
// Returns 0 if the value has no such form.
static unsigned shortest_of_few(double value, char digits[18], int *point)
{
    char backwards[18];
    unsigned count = 0;
    unsigned zeros = 0;
    uint64_t scaled;

    if (!(value < 1e9)) return 0; // so that scaled has at most 15 digits
    scaled = (uint64_t)(value * 1e6 + 0.5);
    if (scaled == 0 || (double)scaled / 1e6 != value) return 0;
    while (scaled % 10 == 0) {
        scaled /= 10;
        zeros++;
    }
    for (; scaled; scaled /= 10)
        backwards[count++] = (char)('0' + scaled % 10);
    for (unsigned i = 0; i < count; i++)
        digits[i] = backwards[count - 1 - i];
    *point = (int)(count + zeros) - 6;
    return count;
}

unsigned capi_double_shortest(double value, char digits[18], int *point)
{
    unsigned few = shortest_of_few(value, digits, point);
    bool negative;
    int count;

    if (few) return few;
    DoubleToStringConverter::DoubleToAscii(value, DoubleToStringConverter::SHORTEST, 0, digits, 18, &negative, &count,
                                           point);
    return (unsigned)count;
}

double capi_double_from_text(const char *text, size_t bytes)
{
    static const StringToDoubleConverter converter(StringToDoubleConverter::NO_FLAGS, 0.0, 0.0, nullptr, nullptr);
    int used;

    return converter.StringToDouble(text, (int)bytes, &used);
}
