// regex_class.cc - a class is a tiny pattern of RE2, so that both agree on every character of Unicode. Those of one and two
// bytes, which are most, are asked for once.
#include "expr/regex_class.h"

#include "base/utf8.h"

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include <re2/re2.h>

namespace
{

constexpr int64_t kMemoryMax = 4 << 20;

struct Class : expr_regex_class {
    std::string name;
    std::unique_ptr<re2::RE2> re2;
    size_t users = 0;

    bool Ask(uint32_t rune) const
    {
        char text[4];
        uint32_t bytes = capi_utf8_write(rune, text);

        return re2->Match(re2::StringPiece(text, bytes), 0, bytes, re2::RE2::ANCHOR_BOTH, nullptr, 0);
    }
};

std::mutex mutex;
std::map<std::string, std::unique_ptr<Class>> &Classes()
{
    static auto *classes = new std::map<std::string, std::unique_ptr<Class>>;
    return *classes;
}

std::unique_ptr<Class> Make(const std::string &name)
{
    auto made = std::make_unique<Class>();
    re2::RE2::Options options;

    options.set_log_errors(false);
    options.set_max_mem(kMemoryMax);
    made->name = name;
    made->re2 = std::make_unique<re2::RE2>(name, options);
    if (!made->re2->ok()) return nullptr;
    for (uint64_t &word : made->low)
        word = 0;
    for (uint32_t rune = 0; rune < REGEX_CLASS_LOW; rune++)
        if (made->Ask(rune)) made->low[rune / 64] |= 1ull << rune % 64;
    return made;
}

} // namespace

extern "C" const expr_regex_class *expr_regex_class_ref(const char *flags, const char *source, size_t bytes)
{
    std::string name = std::string("(?") + flags + ":" + std::string(source, bytes) + ")";
    std::lock_guard<std::mutex> lock(mutex);
    auto found = Classes().find(name);

    if (found == Classes().end()) {
        std::unique_ptr<Class> made = Make(name);

        if (!made) return nullptr;
        found = Classes().emplace(name, std::move(made)).first;
    }
    found->second->users++;
    return found->second.get();
}

extern "C" void expr_regex_class_unref(const expr_regex_class *wanted)
{
    if (!wanted) return;
    std::lock_guard<std::mutex> lock(mutex);
    auto found = Classes().find(static_cast<const Class *>(wanted)->name);

    if (--found->second->users == 0) Classes().erase(found);
}

extern "C" bool expr_regex_class_has_high(const expr_regex_class *wanted, uint32_t rune)
{
    return static_cast<const Class *>(wanted)->Ask(rune);
}
