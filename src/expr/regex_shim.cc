// regex_shim.cc - RE2 for C. RE2 and Go's regexp are one family; three differences are settled here: Go also writes named
// groups (?<n>...), it has no \C, and it reads a byte that is no UTF-8 as U+FFFD. Patterns without special characters need
// no automaton: they are searched for as they are.
#include "expr/regex_shim.h"

#include "expr/regex_chain.h"
#include "expr/text_find.h"

#include <cctype>
#include <cstdio>
#include <cstring>
#include <exception>
#include <set>
#include <string>
#include <vector>

#include <re2/re2.h>

struct expr_regex {
    std::vector<std::string> required; // every match contains these, in this order
    bool is_literal = false; // the pattern is nothing but required[0], if that
    re2::RE2 *re2 = nullptr;
    expr_regex_chain *chain = nullptr; // instead, if the pattern is one: faster and smaller
};

namespace {

constexpr int64_t kMemoryMax = 64 << 20; // for the program and for the automaton that is built while matching

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
    explicit Rewriter(const std::string &pattern) : in_(pattern) {}

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

// The ASCII texts that every match of a valid pattern must contain, in order; none if nothing is sure. Searching for them is
// much faster than running the automaton, and most rows do not have them. Groups are skipped: they may be optional or have
// alternatives. Flags such as (?i) change what letters mean, so with them nothing is sure.
class Required
{
public:
    explicit Required(const std::string &pattern) : in_(pattern) {}

    std::vector<std::string> Find()
    {
        while (at_ < in_.size()) {
            char c = in_[at_];

            if (c == '|') return {};
            if (c == '(') {
                End();
                if (!SkipGroup()) return {};
            } else if (c == '[') {
                End();
                SkipClass();
            } else if (c == '\\') {
                if (!Escape()) return {};
            } else if (size_t quantifier_bytes = Quantifier()) {
                if (!run_.empty()) run_.pop_back(); // the character may be missing
                End();
                at_ += quantifier_bytes;
            } else if (c == '+') {
                End();
                at_++;
            } else if (strchr(".^$", c) || static_cast<unsigned char>(c) >= 0x80) {
                End();
                at_++;
            } else {
                run_.push_back(c);
                at_++;
            }
        }
        End();
        return found_;
    }

private:
    void End()
    {
        if (run_.size() >= 2) found_.push_back(run_);
        run_.clear();
    }

    // Bytes of "*", "?" or "{2,3}" here, or 0. Other braces are characters.
    size_t Quantifier() const
    {
        size_t end = at_ + 1;

        if (in_[at_] == '*' || in_[at_] == '?') return 1;
        if (in_[at_] != '{') return 0;
        while (end < in_.size() && (isdigit(static_cast<unsigned char>(in_[end])) || in_[end] == ','))
            end++;
        return end > at_ + 1 && in_[at_ + 1] != ',' && end < in_.size() && in_[end] == '}' ? end + 1 - at_ : 0;
    }

    // Punctuation stands for itself, letters and digits for a class, a place or a code.
    bool Escape()
    {
        char next = at_ + 1 < in_.size() ? in_[at_ + 1] : 0;

        if (next == 'Q' || next == 'x' || next == 'p' || next == 'P' || (next >= '0' && next <= '9')) return false;
        at_ += 2;
        if (isalpha(static_cast<unsigned char>(next)) || static_cast<unsigned char>(next) >= 0x80 || next == 0)
            End();
        else
            run_.push_back(next);
        return true;
    }

    void SkipClass()
    {
        at_ += in_.compare(at_, 2, "[^") == 0 ? 2 : 1;
        if (at_ < in_.size() && in_[at_] == ']') at_++;
        while (at_ < in_.size() && in_[at_] != ']') {
            size_t end = in_.compare(at_, 2, "[:") == 0 ? in_.find(":]", at_ + 2) : std::string::npos;

            at_ += end != std::string::npos ? end + 2 - at_ : in_[at_] == '\\' ? 2 : 1;
        }
        at_++;
    }

    // False if it holds flags, or is too unusual to be skipped.
    bool SkipGroup()
    {
        int depth = 0;

        do {
            char c = at_ < in_.size() ? in_[at_] : 0;

            if (c == 0) return false;
            if (c == '\\') {
                if (at_ + 1 < in_.size() && in_[at_ + 1] == 'Q') return false;
                at_ += 2;
                continue;
            }
            if (c == '[') {
                SkipClass();
                continue;
            }
            if (c == '(') {
                if (in_.compare(at_, 2, "(?") == 0 && in_.compare(at_, 3, "(?:") != 0 && in_.compare(at_, 3, "(?P") != 0 &&
                    in_.compare(at_, 3, "(?<") != 0)
                    return false;
                depth++;
            }
            if (c == ')') depth--;
            at_++;
        } while (depth > 0);
        return true;
    }

    const std::string &in_;
    size_t at_ = 0;
    std::string run_;
    std::vector<std::string> found_;
};

// Bytes of the well-formed character at `p`, or 0 (Unicode 15, table 3-7).
size_t CharacterBytes(const unsigned char *p, size_t left)
{
    unsigned char low = 0x80;
    unsigned char high = 0xBF;
    size_t bytes;

    if (p[0] < 0x80) return 1;
    if (p[0] < 0xC2 || p[0] > 0xF4) return 0;
    bytes = p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
    if (left < bytes) return 0;
    if (p[0] == 0xE0) low = 0xA0;
    if (p[0] == 0xED) high = 0x9F;
    if (p[0] == 0xF0) low = 0x90;
    if (p[0] == 0xF4) high = 0x8F;
    if (p[1] < low || p[1] > high) return 0;
    for (size_t i = 2; i < bytes; i++)
        if (p[i] < 0x80 || p[i] > 0xBF) return 0;
    return bytes;
}

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
        step = CharacterBytes(reinterpret_cast<const unsigned char *>(text) + at, bytes - at);
        if (step == 0) return at;
        at += step;
    }
    return bytes;
}

std::string Repair(const char *text, size_t bytes, size_t bad_at)
{
    std::string out(text, bad_at);

    for (size_t at = bad_at; at < bytes;) {
        size_t step = CharacterBytes(reinterpret_cast<const unsigned char *>(text) + at, bytes - at);

        if (step == 0)
            out.append("\xEF\xBF\xBD");
        else
            out.append(text + at, step);
        at += step ? step : 1;
    }
    return out;
}

bool HasRequired(const expr_regex *regex, const char *text, size_t bytes)
{
    const char *end = text + bytes;

    for (const std::string &part : regex->required) {
        const char *found = expr_text_find(text, static_cast<size_t>(end - text), part.data(), part.size());

        if (!found) return false;
        text = found + part.size();
    }
    return true;
}

bool Match(const expr_regex *regex, const char *text, size_t bytes)
{
    size_t valid;

    if (!text) text = "";
    if (!HasRequired(regex, text, bytes)) return false;
    if (regex->is_literal) return true;
    if (regex->chain) return expr_regex_chain_match(regex->chain, text, bytes);
    valid = ValidBytes(text, bytes);
    if (valid < bytes) {
        std::string repaired = Repair(text, bytes, valid);
        return regex->re2->Match(repaired, 0, repaired.size(), re2::RE2::UNANCHORED, nullptr, 0);
    }
    return regex->re2->Match(re2::StringPiece(text, bytes), 0, bytes, re2::RE2::UNANCHORED, nullptr, 0);
}

expr_regex *Compile(const std::string &pattern, char *why, size_t why_bytes)
{
    expr_regex *regex = new expr_regex;
    std::string rewritten;
    std::string reason;
    re2::RE2::Options options;

    if (IsLiteral(pattern)) {
        if (!pattern.empty()) regex->required.push_back(pattern);
        regex->is_literal = true;
        return regex;
    }
    if (!Rewriter(pattern).Run(&rewritten, &reason)) {
        Explain(why, why_bytes, reason.c_str());
        delete regex;
        return nullptr;
    }
    options.set_log_errors(false);
    options.set_max_mem(kMemoryMax);
    regex->re2 = new re2::RE2(rewritten, options);
    if (!regex->re2->ok()) {
        Explain(why, why_bytes, regex->re2->error().c_str());
        delete regex->re2;
        delete regex;
        return nullptr;
    }
    regex->required = Required(pattern).Find();
    regex->chain = expr_regex_chain_new(pattern.data(), pattern.size());
    if (regex->chain) {
        delete regex->re2;
        regex->re2 = nullptr;
    }
    return regex;
}

} // namespace

extern "C" expr_regex *expr_regex_compile(const char *pattern, size_t bytes, char *why, size_t why_bytes)
{
    try {
        return Compile(std::string(bytes ? pattern : "", bytes), why, why_bytes);
    } catch (const std::exception &failure) {
        Explain(why, why_bytes, failure.what());
        return nullptr;
    }
}

extern "C" void expr_regex_free(expr_regex *regex)
{
    if (!regex) return;
    expr_regex_chain_free(regex->chain);
    delete regex->re2;
    delete regex;
}

extern "C" uint32_t expr_regex_required_count(const expr_regex *regex)
{
    return static_cast<uint32_t>(regex->required.size());
}

extern "C" expr_regex_text expr_regex_required(const expr_regex *regex, uint32_t number)
{
    return {regex->required[number].data(), regex->required[number].size()};
}

extern "C" bool expr_regex_match(const expr_regex *regex, const char *text, size_t bytes)
{
    return Match(regex, text, bytes);
}

extern "C" bool expr_regex_match_candidate(const expr_regex *regex, const char *text, size_t bytes)
{
    if (regex->chain) return expr_regex_chain_match(regex->chain, text, bytes);
    return Match(regex, text, bytes);
}

extern "C" void expr_regex_match_batch(const expr_regex *regex, const expr_regex_text *texts, uint32_t count, uint8_t *out)
{
    for (uint32_t i = 0; i < count; i++)
        out[i] = Match(regex, texts[i].data, texts[i].bytes);
}
