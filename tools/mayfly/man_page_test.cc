// What is in the source of pages; tests/cli/man_test asks groff what it makes of them.
#include "tools/mayfly/man_page.h"

#include <doctest/doctest.h>

#include "tools/mayfly/sample_program.h"

using namespace mayfly::cli;

namespace {

std::string page_of(const std::vector<std::string>& names) {
  const ProgramModel program = sample_program();
  const CommandModel* command = find_command(program.command, names);
  REQUIRE(command != nullptr);
  return man_page(program, *command);
}

void check_parts(const std::string& page, const std::vector<std::string>& parts) {
  for (const std::string& part : parts) {
    CHECK_MESSAGE(page.find(part) != std::string::npos, part << " in\n" << page);
  }
}

}  // namespace

TEST_CASE("man page: it is called as its command, in section 1, with the version") {
  check_parts(page_of({"key", "show"}), {".TH TOOL\\-KEY\\-SHOW 1 \"\" \"tool 1.2\"\n",
                                         ".SH NAME\ntool\\-key\\-show \\- Show one\\(aqs key\n"});
}

TEST_CASE("man page: the synopsis has what is required, and arguments in order") {
  check_parts(
      page_of({"load"}),
      {"\\fBtool load\\fR [\\fIOPTION\\fR]... \\fB\\-\\-into\\fR \\fIDB\\fR \\fIFILE\\fR...\n"});
  check_parts(page_of({"key", "show"}), {" [\\fINAME\\fR] [\\fIAS\\fR]\n"});
  check_parts(page_of({"key"}), {"[\\fIOPTION\\fR]... \\fICOMMAND\\fR ...\n"});
}

TEST_CASE("man page: options stand under their headings with all that is known of them") {
  const std::string page = page_of({"load"});

  check_parts(page, {".SS \"Input\"\n.TP\n\\fB\\-\\-format\\fR \\fBcsv\\fR|\\fBtsv\\fR\n"
                     "What it holds: text\\(aqs [form].\nDefault: \\fBcsv\\fR.\n"
                     "Environment: TOOL_FORMAT.\n",
                     "\\fB\\-\\-into\\fR \\fIDB\\fR\nThe database.\nRequired.\n",
                     "\\fB\\-q\\fR, \\fB\\-\\-quiet\\fR\nSay less.\n",
                     "Not together with \\-\\-drop.\n", "\\fIFILE\\fR...\nFiles.\n"});
  // Its own before what all have, and each heading once.
  CHECK(page.find(".SS \"Everywhere\"") > page.find(".SS \"Input\""));
  CHECK(page.find(".SS \"Everywhere\"") == page.rfind(".SS \"Everywhere\""));
}

TEST_CASE("man page: examples stand as they are typed, other paragraphs are the description") {
  const std::string page = page_of({"load"});

  check_parts(
      page,
      {".SH EXAMPLES\n.nf\n  tool load \\(aqa b.csv\\(aq \\-\\-into c:\\ed.db\n  .tool\n.fi\n",
       "Load files.\n.PP\n\\&.Starts with a dot.\n.PP\n\\(aqQuoted\\(aq.\n"});
  CHECK(page_of({"key"}).find("EXAMPLES") == std::string::npos);
}

TEST_CASE("man page: commands below have pages of their own, which point back") {
  check_parts(page_of({}),
              {".SH COMMANDS\n.TP\n\\fBload\\fR\nLoad files.\nSee \\fBtool\\-load\\fR(1).\n",
               "\\fBtool\\-key\\fR(1)"});
  check_parts(page_of({"key", "show"}),
              {".SH SEE ALSO\n\\fBtool\\fR(1),\n\\fBtool\\-key\\fR(1),\n\\fBsysexits\\fR(3)\n"});
}

TEST_CASE("man page: exit statuses and variables are on each page") {
  for (const std::vector<std::string>& names :
       {std::vector<std::string>{}, {"load"}, {"key", "show"}}) {
    check_parts(page_of(names), {".SH EXIT STATUS\n.TP\n0\ndone.\n.TP\n64\na mistake.\n",
                                 ".TP\nNO_COLOR\nwithout colours.\n"});
  }
}

TEST_CASE("man page: a line of text never becomes a request of roff") {
  const std::string page = page_of({"load"});
  for (std::size_t at = page.find("\n."); at != std::string::npos; at = page.find("\n.", at + 1)) {
    const std::string request = page.substr(at + 2, 2);
    const bool known = request == "TH" || request == "SH" || request == "SS" || request == "TP" ||
                       request == "PP" || request == "nf" || request == "fi" || request == "nh" ||
                       request == "ad";
    CHECK_MESSAGE(known, page.substr(at, 40));
  }
  CHECK(page.find("\n'") == std::string::npos);
}
