// SPDX-License-Identifier: MIT
#include "cli/completion.h"

#include <fmt/format.h>

#include <string_view>
#include <vector>

#include "cli/options.h"

namespace mmscale::cli {
namespace {

using nlohmann::ordered_json;

// A member that is a text; empty if it is none.
std::string text_of(const ordered_json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() || !found->is_string() ? std::string() : found->get<std::string>();
}

// Text as it is, whatever of it would be an instruction.
std::string literal(std::string_view text) {
  std::string safe;
  bool starts_line = true;
  for (const char c : text) {
    if (starts_line && (c == '.' || c == '\'')) safe += "\\&";
    starts_line = c == '\n';
    if (c == '\\')
      safe += "\\e";
    else if (c == '-')
      safe += "\\-";
    else
      safe += c;
  }
  return safe;
}

std::string head(const std::string& name, std::string_view what, const std::string& version) {
  return fmt::format(".TH {} 1 \"\" \"{}\" \"User Commands\"\n.SH NAME\n{} \\- {}\n", literal(name),
                     literal(version), literal(name), literal(what));
}

std::string item(const std::vector<std::string>& names, std::string_view value, const std::string& about) {
  std::string called;
  for (const std::string& name : names)
    called += fmt::format("{}\\fB{}\\fR", called.empty() ? "" : ", ", literal(name));
  if (!value.empty()) called += fmt::format("=\\fI{}\\fR", literal(value));
  return fmt::format(".TP\n{}\n{}\n", called, about);
}

std::string option_item(const ordered_json& option, bool is_of_bench) {
  std::string about = literal(text_of(option, "help")) + ".";
  if (const std::string value = text_of(option, "default"); !value.empty())
    about += fmt::format(" Default: {}.", literal(value));
  if (const auto& choices = option["choices"]; choices.is_array())
    about +=
        fmt::format(" There are: {}.",
                    literal(fmt::format("{}", fmt::join(choices.get<std::vector<std::string>>(), ", "))));
  if (option.contains("most"))
    about += fmt::format(" From {} to {}.", option["least"].dump(), option["most"].dump());
  if (const auto families = option.find("families");
      is_of_bench && families != option.end() && families->is_array())
    about += fmt::format(" Of family: {}.", fmt::join(families->get<std::vector<std::string>>(), ", "));
  if (const std::string page = text_of(option, "page"); !page.empty())
    about += fmt::format(" See {}.", literal(page));
  return item(option["names"].get<std::vector<std::string>>(),
              placeholder(value_of(text_of(option, "value"))), about);
}

std::string options_section(const ordered_json& options, bool is_of_bench) {
  std::string section = ".SH OPTIONS\n";
  for (const ordered_json& option : options) section += option_item(option, is_of_bench);
  return section;
}

std::string command_page(const ordered_json& command, const std::string& version) {
  const std::string name = text_of(command, "name");
  std::string page = head("mmscale-" + name, text_of(command, "what"), version);
  page += fmt::format(".SH SYNOPSIS\n.B mmscale {}\n[\\fIOPTION\\fR...]", literal(name));
  for (const ordered_json& positional : command["positionals"]) {
    const std::string called = "\\fI" + literal(text_of(positional, "name")) + "\\fR";
    page += positional["required"].get<bool>() ? " " + called : fmt::format(" [{}]", called);
  }
  page += fmt::format("\n.SH DESCRIPTION\n{}.\n", literal(text_of(command, "what")));
  for (const ordered_json& positional : command["positionals"])
    page += fmt::format(".TP\n\\fI{}\\fR\n{}.\n", literal(text_of(positional, "name")),
                        literal(text_of(positional, "help")));
  page += options_section(command["options"], name == "bench");
  if (const std::string footer = text_of(command, "footer"); !footer.empty())
    page += fmt::format(".SH NOTES\n{}\n", literal(footer));
  return page + ".SH SEE ALSO\n.BR mmscale (1)\n";
}

std::string first_page(const ordered_json& described, const std::string& version) {
  std::string page = head("mmscale", "what keeping a lazily borrowed address space costs", version);
  page += ".SH SYNOPSIS\n.B mmscale\n\\fICOMMAND\\fR [\\fIOPTION\\fR...]\n";
  page += fmt::format(".SH DESCRIPTION\n{}\n.SH COMMANDS\n", literal(text_of(described, "what")));
  for (const ordered_json& command : described["commands"])
    page += fmt::format(".TP\n.BR mmscale\\-{} (1)\n{}.\n", literal(text_of(command, "name")),
                        literal(text_of(command, "what")));
  page += options_section(described["options"], false);
  page +=
      ".SH ENVIRONMENT\n"
      ".TP\n\\fBMMSCALE_\\fIOPTION\\fR\nThe value of an option that is not on the command line, its name in "
      "capitals with _ for \\-: MMSCALE_WINDOW=100ms. It is written into records with the command line.\n"
      ".TP\n\\fBMMSCALE_MACHINES\\fR\nA folder of machine models (*.json) that come before those inside.\n"
      ".SH EXIT STATUS\n"
      ".TP\n0\nDone.\n"
      ".TP\n1\nAn error, in one line on standard error.\n"
      ".TP\n2\nA command line that cannot be understood.\n"
      ".TP\n3\nMeasured, but some case has no valid window.\n"
      ".TP\n130\nInterrupted.\n"
      ".SH SEE ALSO\n";
  std::string also;
  for (const ordered_json& command : described["commands"])
    also +=
        fmt::format("{}.BR mmscale\\-{} (1)", also.empty() ? "" : " ,\n", literal(text_of(command, "name")));
  return page + also + "\n";
}

}  // namespace

std::map<std::string, std::string> manual_pages(const ordered_json& described, const std::string& version) {
  std::map<std::string, std::string> pages = {{"mmscale.1", first_page(described, version)}};
  for (const ordered_json& command : described["commands"])
    pages.emplace(fmt::format("mmscale-{}.1", text_of(command, "name")), command_page(command, version));
  return pages;
}

}  // namespace mmscale::cli
