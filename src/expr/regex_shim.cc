// regex_shim.cc - RE2 for C. RE2 and Go's regexp are one family; three differences are settled here: Go also writes named
// groups (?<n>...), it has no \C, and it reads a byte that is no UTF-8 as U+FFFD. Patterns without special characters need
// no automaton: they are searched for as they are.
#include "expr/regex_shim.h"

#include "base/utf8.h"
#include "expr/regex_chain.h"
#include "expr/regex_states.h"
#include "expr/regex_traits.h"
#include "expr/text_find.h"
#include "expr/text_fold.h"

#include <algorithm>
#include <atomic>
#include <cctype>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <re2/re2.h>

namespace
{

// For the programs of RE2 and the automata that it builds while matching. Of what the patterns of the process have left, a
// new one may take a part, so the first ones can be large; but never less than what nearly all patterns can do with.
constexpr int64_t kMemoryOfAll = 256 << 20;
constexpr int64_t kMemoryShare = 16;
constexpr int64_t kMemoryMin = 384 << 10;
constexpr int64_t kMemoryMax = 64 << 20;
constexpr int64_t kMemoryOfInstruction = 96; // RE2 gives programs a part of its memory
constexpr size_t kFoldedBytesKept = 64 << 10;
constexpr int64_t kMemoryForReading = 64; // nothing fits, so RE2 finds mistakes and stops

std::atomic<int64_t> g_granted_bytes{0};

} // namespace

struct expr_regex {
    expr_required *required = nullptr;
    std::vector<std::string> parts; // every match contains these, in this order
    bool is_literal = false;        // the pattern is nothing but parts[0], if that
    std::unique_ptr<re2::RE2> re2;
    int64_t granted_bytes = 0;           // what re2 may need at most
    expr_regex_chain *chain = nullptr;   // instead, if the pattern is one: faster and smaller
    expr_regex_states *states = nullptr; // instead, if re2 would be too large

    void DropAutomaton()
    {
        expr_regex_states_free(states);
        states = nullptr;
        re2 = nullptr;
        g_granted_bytes -= granted_bytes;
        granted_bytes = 0;
    }

    ~expr_regex()
    {
        DropAutomaton();
        expr_regex_chain_free(chain);
        expr_required_free(required);
    }
};

namespace
{

void Explain(char *why, size_t why_bytes, const char *text)
{
    if (why_bytes) snprintf(why, why_bytes, "%s", text);
}

bool IsLiteral(const std::string &pattern)
{
    for (unsigned char c : pattern)
        if (c >= 0x80 || c == 0 || strchr("\\.+*?()|[]{}^$", c)) return false;
    return true;
}

// Walks through a pattern: what is a class, what is quoted, what is an escape.
class Rewriter
{
  public:
    explicit Rewriter(const std::string &pattern) : in_(pattern)
    {
    }

    // (?<n> becomes (?P<n>. False if Go would refuse the pattern; `why` then tells the reason.
    bool Run(std::string *out, std::string *why)
    {
        while (at_ < in_.size()) {
            char c = in_[at_];

            if (c == '\\') {
                if (!Escape(out, why)) return false;
            } else if (in_class_) {
                ClassMember(out);
            } else if (c == '[') {
                in_class_ = true;
                class_start_ = in_.compare(at_, 2, "[^") == 0 ? at_ + 2 : at_ + 1;
                Copy(out, 1);
            } else if (in_.compare(at_, 3, "(?<") == 0 && in_.compare(at_, 4, "(?<=") != 0 &&
                       in_.compare(at_, 4, "(?<!") != 0) {
                if (!Name(at_ + 3, why)) return false;
                out->append("(?P<");
                at_ += 3;
            } else {
                if (in_.compare(at_, 4, "(?P<") == 0 && !Name(at_ + 4, why)) return false;
                Copy(out, 1);
            }
        }
        return true;
    }

  private:
    void Copy(std::string *out, size_t bytes)
    {
        out->append(in_, at_, bytes);
        at_ += bytes;
    }

    bool Escape(std::string *out, std::string *why)
    {
        char next = at_ + 1 < in_.size() ? in_[at_ + 1] : 0;

        if (next == 'C' && !in_class_) {
            *why = "invalid escape sequence: \\C";
            return false;
        }
        if (next == 'Q' && !in_class_) {
            size_t end = in_.find("\\E", at_ + 2);

            Copy(out, (end == std::string::npos ? in_.size() : end + 2) - at_);
            return true;
        }
        Copy(out, 2);
        if (at_ > in_.size()) at_ = in_.size();
        return true;
    }

    // "]" right behind "[" or "[^" is a member; [:alpha:] has a bracket of its own.
    void ClassMember(std::string *out)
    {
        size_t end = in_.compare(at_, 2, "[:") == 0 ? in_.find(":]", at_ + 2) : std::string::npos;

        if (end != std::string::npos) {
            Copy(out, end + 2 - at_);
            return;
        }
        if (in_[at_] == ']' && at_ != class_start_) in_class_ = false;
        Copy(out, 1);
    }

    bool Name(size_t from, std::string *why)
    {
        size_t end = in_.find('>', from);
        std::string name = end == std::string::npos ? "" : in_.substr(from, end - from);
        bool ok = !name.empty();

        for (unsigned char c : name)
            ok = ok && (c == '_' || (c < 0x80 && isalnum(c)));
        if (ok && names_.insert(name).second) return true;
        *why = (ok ? "duplicate name of a group: " : "invalid name of a group: ") + in_.substr(from, 40);
        return false;
    }

    const std::string &in_;
    size_t at_ = 0;
    bool in_class_ = false;
    size_t class_start_ = 0;
    std::set<std::string> names_;
};

// Where the first byte that is no UTF-8 lies, or `bytes`.
size_t ValidBytes(const char *text, size_t bytes)
{
    size_t at = 0;

    while (at < bytes) {
        uint64_t word;
        size_t step;

        if (bytes - at >= 8) {
            memcpy(&word, text + at, 8);
            if ((word & 0x8080808080808080ull) == 0) {
                at += 8;
                continue;
            }
        }
        step = capi_utf8_bytes(reinterpret_cast<const unsigned char *>(text) + at, bytes - at);
        if (step == 0) return at;
        at += step;
    }
    return bytes;
}

std::string Repair(const char *text, size_t bytes, size_t bad_at)
{
    std::string out(text, bad_at);

    for (size_t at = bad_at; at < bytes;) {
        size_t step = capi_utf8_bytes(reinterpret_cast<const unsigned char *>(text) + at, bytes - at);

        if (step == 0)
            out.append("\xEF\xBF\xBD");
        else
            out.append(text + at, step);
        at += step ? step : 1;
    }
    return out;
}

bool HasParts(const expr_regex *regex, const char *text, size_t bytes)
{
    const char *end = text + bytes;

    for (const std::string &part : regex->parts) {
        const char *found = expr_text_find(text, static_cast<size_t>(end - text), part.data(), part.size());

        if (!found) return false;
        text = found + part.size();
    }
    return true;
}

bool MatchStates(const expr_regex_states *states, const char *text, size_t bytes)
{
    thread_local std::vector<uint64_t> room;
    size_t words = expr_regex_states_room(states) / sizeof(uint64_t) + 1;

    if (room.size() < words) room.resize(words);
    return expr_regex_states_match(states, text, bytes, room.data());
}

bool MatchChain(const expr_regex_chain *chain, const char *text, size_t bytes)
{
    thread_local std::vector<char> kept(kFoldedBytesKept);
    std::vector<char> large;
    char *folded = kept.data();

    if (!expr_regex_chain_is_folded(chain)) return expr_regex_chain_match(chain, text, bytes);
    if (bytes > kept.size()) {
        large.resize(bytes);
        folded = large.data();
    }
    bytes = expr_text_fold(text, bytes, folded);
    return expr_regex_chain_match(chain, folded, bytes);
}

bool Match(const expr_regex *regex, const char *text, size_t bytes)
{
    size_t valid;

    if (!text) text = "";
    if (!HasParts(regex, text, bytes)) return false;
    if (regex->is_literal) return true;
    if (regex->chain) return MatchChain(regex->chain, text, bytes);
    if (regex->states) return MatchStates(regex->states, text, bytes);
    valid = ValidBytes(text, bytes);
    if (valid < bytes) {
        std::string repaired = Repair(text, bytes, valid);
        return regex->re2->Match(repaired, 0, repaired.size(), re2::RE2::UNANCHORED, nullptr, 0);
    }
    return regex->re2->Match(re2::StringPiece(text, bytes), 0, bytes, re2::RE2::UNANCHORED, nullptr, 0);
}

// What every match contains, also in the form that a single text is searched with: one after the other.
void Require(const std::string &pattern, expr_regex *regex)
{
    expr_required *required = expr_required_new(pattern.data(), pattern.size());

    regex->required = required;
    for (uint32_t i = 0; i < required->text_count; i++) {
        const expr_required_text *text = &required->texts[i];
        bool is_one_of_many = (i > 0 && text[-1].clause == text->clause) ||
                              (i + 1 < required->text_count && text[1].clause == text->clause);

        if (!text->is_folded && !is_one_of_many) regex->parts.emplace_back(text->data, text->bytes);
    }
}

std::unique_ptr<re2::RE2> Make(const std::string &pattern, int64_t memory_bytes)
{
    re2::RE2::Options options;

    options.set_log_errors(false);
    options.set_max_mem(memory_bytes);
    return std::make_unique<re2::RE2>(pattern, options);
}

int64_t Grant()
{
    int64_t part = (kMemoryOfAll - g_granted_bytes) / kMemoryShare;

    return std::max(kMemoryMin, std::min(kMemoryMax, part));
}

bool Keep(std::unique_ptr<re2::RE2> made, int64_t granted_bytes, expr_regex *regex, std::string *why)
{
    if (!made->ok()) {
        *why = made->error();
        return false;
    }
    regex->re2 = std::move(made);
    regex->granted_bytes = granted_bytes;
    g_granted_bytes += granted_bytes;
    return true;
}

// RE2 if it can do with the memory that is left, or else states; RE2 with all its memory where there would be too many states.
// What surely is too large is only read by RE2, and so is \B: RE2 finds it between the bytes of one character, Go does not.
bool CompileAutomaton(const std::string &pattern, expr_regex *regex, std::string *why)
{
    int64_t granted_bytes = Grant();
    expr_regex_traits traits = expr_regex_traits_of(pattern.data(), pattern.size());
    bool is_large = traits.size * kMemoryOfInstruction > static_cast<uint64_t>(granted_bytes);
    bool is_read_only = is_large || traits.has_no_edge;
    std::unique_ptr<re2::RE2> made = Make(pattern, is_read_only ? kMemoryForReading : granted_bytes);

    if (made->error_code() != re2::RE2::ErrorPatternTooLarge) return Keep(std::move(made), granted_bytes, regex, why);
    regex->states = expr_regex_states_new(pattern.data(), pattern.size());
    return regex->states || Keep(Make(pattern, kMemoryMax), kMemoryMax, regex, why);
}

std::unique_ptr<expr_regex> Compile(const std::string &pattern, std::string *why)
{
    auto regex = std::make_unique<expr_regex>();
    std::string rewritten;

    if (!Rewriter(pattern).Run(&rewritten, why)) return nullptr;
    Require(rewritten, regex.get());
    if (IsLiteral(pattern)) {
        regex->is_literal = true;
        regex->parts.assign(pattern.empty() ? 0 : 1, pattern);
        return regex;
    }
    if (!CompileAutomaton(rewritten, regex.get(), why)) return nullptr;
    regex->chain = expr_regex_chain_new(pattern.data(), pattern.size());
    if (regex->chain) regex->DropAutomaton();
    return regex;
}

} // namespace

extern "C" expr_regex *expr_regex_compile(const char *pattern, size_t bytes, char *why, size_t why_bytes)
{
    try {
        std::string reason;
        std::unique_ptr<expr_regex> regex = Compile(std::string(bytes ? pattern : "", bytes), &reason);

        if (!regex) Explain(why, why_bytes, reason.c_str());
        return regex.release();
    } catch (const std::exception &failure) {
        Explain(why, why_bytes, failure.what());
        return nullptr;
    }
}

extern "C" void expr_regex_free(expr_regex *regex)
{
    delete regex;
}

extern "C" const expr_required *expr_regex_required(const expr_regex *regex)
{
    return regex->required;
}

extern "C" bool expr_regex_match(const expr_regex *regex, const char *text, size_t bytes)
{
    return Match(regex, text, bytes);
}

extern "C" bool expr_regex_match_candidate(const expr_regex *regex, const char *text, size_t bytes)
{
    if (regex->chain) return MatchChain(regex->chain, text, bytes);
    return Match(regex, text, bytes);
}

extern "C" void expr_regex_match_batch(const expr_regex *regex, const expr_regex_text *texts, uint32_t count,
                                       uint8_t *out)
{
    for (uint32_t i = 0; i < count; i++)
        out[i] = Match(regex, texts[i].data, texts[i].bytes);
}
