#include "mayfly/net/http_text.h"

#include <curl/curl.h>

#include <algorithm>
#include <memory>

namespace mayfly {
namespace {

struct FreeUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using Url = std::unique_ptr<CURLU, FreeUrl>;

struct FreeText {
  void operator()(char* text) const { curl_free(text); }
};

Url parse(std::string_view url, CURLUcode* code) {
  Url parsed(curl_url());
  *code = parsed == nullptr ? CURLUE_OUT_OF_MEMORY
                            : curl_url_set(parsed.get(), CURLUPART_URL, std::string(url).c_str(),
                                           CURLU_NON_SUPPORT_SCHEME);
  return parsed;
}

std::string part(const Url& url, CURLUPart which) {
  char* text = nullptr;
  if (curl_url_get(url.get(), which, &text, 0) != CURLUE_OK) return {};
  const std::unique_ptr<char, FreeText> owned(text);
  return text;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// RFC 9110, 5.6.2.
bool is_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') ||
           kMarks.find(c) != kMarks.npos;
  });
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// So that a message stays one short line, whatever was found.
std::string quoted(std::string_view text) {
  constexpr std::size_t kShownMax = 60;
  std::string shown = "\"";
  for (const char c : text.substr(0, kShownMax)) {
    shown += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c;
  }
  return shown + (text.size() > kShownMax ? "...\"" : "\"");
}

}  // namespace

const std::string* find_header(std::span<const HttpHeader> headers, std::string_view name) {
  const auto found = std::ranges::find_if(headers, [&](const HttpHeader& header) {
    return std::ranges::equal(header.name, name, {}, lower, lower);
  });
  return found == headers.end() ? nullptr : &found->value;
}

Status check_http_url(std::string_view url) {
  const auto bad = [&](std::string_view why) {
    return Status(Code::kUsage, "expected a URL such as http://host:8080/path, found " +
                                    quoted(http_url_shown(url)) + ": " + std::string(why));
  };
  // Such bytes may stand for others to whoever reads the URL next.
  const bool plain = std::ranges::all_of(
      url, [](char c) { return static_cast<unsigned char>(c) > 0x20 && c != 0x7F; });
  if (!plain) return bad("it has a blank or a control character");
  CURLUcode code = CURLUE_OK;
  const Url parsed = parse(url, &code);
  if (code == CURLUE_OUT_OF_MEMORY) return {Code::kInternal, "no memory to read a URL"};
  if (code != CURLUE_OK) return bad(curl_url_strerror(code));
  const std::string scheme = part(parsed, CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https") return bad("only http and https are spoken");
  // libcurl takes http:x and http:///x for http://x.
  const std::size_t host = url.find("://") + 3;
  if (host < 3 || host >= url.size() || url[host] == '/' || part(parsed, CURLUPART_HOST).empty()) {
    return bad("it names no host");
  }
  return {};
}

Status check_http_header(const HttpHeader& header) {
  if (!is_token(header.name)) {
    return {Code::kUsage,
            "expected a header's name of letters, digits and -, found " + quoted(header.name)};
  }
  constexpr std::string_view kForbidden("\r\n\0", 3);
  if (header.value.find_first_of(kForbidden) != std::string::npos) {
    return {Code::kUsage,
            "expected a header's value in one line, found one with a line break or NUL in " +
                header.name};
  }
  return {};
}

Status check_http_method(std::string_view method) {
  if (is_token(method)) return {};
  return {Code::kUsage, "expected a method such as POST, found " + quoted(method)};
}

Result<HttpHeader> parse_http_header(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == line.npos) {
    return Status(Code::kUsage, "expected a header as \"Name: value\", found no colon in it");
  }
  HttpHeader header{std::string(line.substr(0, colon)),
                    std::string(trimmed(line.substr(colon + 1)))};
  MAYFLY_RETURN_IF_ERROR(check_http_header(header));
  return header;
}

std::string http_url_shown(std::string_view url) {
  std::string_view rest = url.substr(0, url.find_first_of("?#"));
  std::string shown;
  if (const std::size_t scheme = rest.find("://"); scheme != rest.npos) {
    shown = rest.substr(0, scheme + 3);
    rest.remove_prefix(scheme + 3);
  }
  const std::size_t slash = rest.find('/');
  const std::size_t user = rest.substr(0, slash).rfind('@');
  if (user != rest.npos) rest.remove_prefix(user + 1);
  return shown + std::string(rest);
}

}  // namespace mayfly
