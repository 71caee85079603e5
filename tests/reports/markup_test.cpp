#include "reports/markup.h"

#include <doctest/doctest.h>

namespace edgeopt {

TEST_CASE("markup becomes entities, other text stays") {
  CHECK(escape_html("a<b>&\"c\"'d'") == "a&lt;b&gt;&amp;&quot;c&quot;&#39;d&#39;");
  CHECK(escape_html("/layer1/Conv_0: 3 %") == "/layer1/Conv_0: 3 %");
  CHECK(escape_html("\xC3\xA4\xE2\x82\xAC\xF0\x9F\x99\x82") == "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x99\x82");
}

TEST_CASE("bytes that are no UTF-8 become replacement characters, one each") {
  const std::string replaced = "\xEF\xBF\xBD";
  CHECK(escape_html("\xFF") == replaced);
  CHECK(escape_html("\xC3") == replaced);                                // cut off
  CHECK(escape_html("\xC0\xAF") == replaced + replaced);                 // overlong
  CHECK(escape_html("\xED\xA0\x80") == replaced + replaced + replaced);  // a surrogate
  CHECK(escape_html("\xF4\x90\x80\x80").substr(0, 3) == replaced);       // beyond U+10FFFF
  CHECK(escape_html(std::string("\0\x1B\x7F", 3)) == replaced + replaced + replaced);
  CHECK(escape_html("a\tb\nc") == "a\tb\nc");
}

TEST_CASE("long names lose their middle, short ones nothing") {
  CHECK(shortened("conv", 4) == "conv");
  CHECK(shortened("/encoder/layer/Conv", 7) == "/en\xE2\x80\xA6onv");
  CHECK(shortened("\xC3\xA4\xC3\xB6\xC3\xBC\xC3\x9F", 3) == "\xC3\xA4\xE2\x80\xA6\xC3\x9F");
}

}  // namespace edgeopt
