// What is in the scripts; tests/cli/completion_test asks the shells what they make of them.
#include "tools/mayfly/completion.h"

#include <doctest/doctest.h>

#include "tools/mayfly/sample_program.h"

using namespace mayfly::cli;

namespace {

void check_parts(const std::string& script, const std::vector<std::string>& parts) {
  for (const std::string& part : parts) {
    CHECK_MESSAGE(script.find(part) != std::string::npos, part << " in\n" << script);
  }
}

}  // namespace

TEST_CASE("bash completion: each command has its words, and how its values are completed") {
  const std::string script = bash_completion(sample_program());

  check_parts(script, {R"(    'tool')
      commands='load key'
      flags='-q --quiet'
      options=''
      ;;
)",
                       R"(    'tool load')
      flags='-q --quiet --keep'
      options='--format --into --rows --dir'
      arguments=('<file>')
      repeats=1
      case ${2-} in
        --into) value='<file>' ;;
        --dir) value='<folder>' ;;
        --format) value='csv tsv' ;;
      esac
      ;;
)",
                       R"(    'tool key show')
      flags='-q --quiet'
      options=''
      arguments=('' 'hex base64')
      ;;
)",
                       "complete -F _tool tool\n"});
}

TEST_CASE(
    "zsh completion: each command is a function, and help is escaped where zsh takes it apart") {
  const std::string script = zsh_completion(sample_program());

  CHECK(script.starts_with("#compdef tool\n"));
  check_parts(
      script,
      {R"('(--format)--format=[What it holds\: text'\''s \[form\]]:value:(csv tsv)' \)",
       "'(-q --quiet)-q[Say less]' \\", "'(-q --quiet)--quiet[Say less]' \\",
       "'(--keep --drop)--keep[Keep it]' \\", "'(--into)--into=[The database]:DB:_files' \\",
       "'(--rows)--rows=[Rows a batch]:N: ' \\", "'*--dir=[Folder; repeatable]:DIR:_files -/' \\",
       "    '*:FILE:_files' \\", "    '::NAME: ' \\", "    '::value:(hex base64)' \\",
       "'show:Show one'\\''s key'", "    key) _tool_key && ret=0 ;;\n", "_tool_key_show() {\n",
       "compdef _tool tool\n"});
}

TEST_CASE("fish completion: each name has its condition, and help is escaped") {
  const std::string script = fish_completion(sample_program());

  check_parts(script,
              {R"(complete -c tool -n '__tool_at "tool" 0 0' -a load -d 'Load files')",
               R"(complete -c tool -n '__tool_at "tool key" 0 0' -a show -d 'Show one\'s key')",
               R"(complete -c tool -n '__tool_at "tool"' -s q -l quiet -d 'Say less')",
               R"(complete -c tool -n '__tool_at "tool load"' -l format -r -f -a 'csv tsv' -d)",
               R"(complete -c tool -n '__tool_at "tool load"' -l into -r -F -d 'The database')",
               R"(complete -c tool -n '__tool_at "tool load"' -l rows -r -f -d 'Rows a batch')",
               R"(-l dir -r -f -a '(__fish_complete_directories (commandline -ct))' -d)",
               R"(complete -c tool -n '__tool_at "tool load" 0 9999' -F)",
               R"(complete -c tool -n '__tool_at "tool key show" 1 1' -f -a 'hex base64')",
               "                case 'tool load' 'tool key' 'tool key show'\n",
               "                case 'tool load --format' 'tool load --into' 'tool load --rows' "
               "'tool load --dir'\n"});
}

TEST_CASE("completion: a program without commands and options has scripts too") {
  const ProgramModel bare{.command = {.path = {"bare"}, .summary = "Nothing"}};

  CHECK(bash_completion(bare).find("    'bare')\n") != std::string::npos);
  CHECK(zsh_completion(bare).find("_bare() {\n") != std::string::npos);
  CHECK(fish_completion(bare).find("                case \n") == std::string::npos);
}

TEST_CASE("completion: a script is chosen by its shell's name") {
  const ProgramModel program = sample_program();

  CHECK(completion_of(program, "bash") == bash_completion(program));
  CHECK(completion_of(program, "zsh") == zsh_completion(program));
  CHECK(completion_of(program, "fish") == fish_completion(program));
  for (const std::string_view shell : kShells) {
    CHECK(completion_of(program, shell).find("made by `tool completion " + std::string(shell)) !=
          std::string::npos);
  }
}
