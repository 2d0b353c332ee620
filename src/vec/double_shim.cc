// double_shim.cc - the two conversions between doubles and digits, from the library double-conversion.
#include <double-conversion/double-conversion.h>

extern "C" unsigned capi_double_shortest(double value, char digits[18], int *point);
extern "C" double capi_double_from_text(const char *text, size_t bytes);

using double_conversion::DoubleToStringConverter;
using double_conversion::StringToDoubleConverter;

unsigned capi_double_shortest(double value, char digits[18], int *point)
{
    bool negative;
    int count;

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
