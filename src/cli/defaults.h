// SPDX-License-Identifier: MIT
//
// Values of options that are not on the command line: from a file that --config names, then from the environment.
#pragma once

#include <memory>
#include <string>

namespace CLI {
class App;
}

namespace mmscale::cli {

class ConfigFile;

class Defaults {
 public:
  // Gives `app` and each of its commands --config and --quiet, and each option of the command that is run MMSCALE_ and its
  // name as the environment variable of its default. To be made when all commands are there, and before the parse. What a
  // file and the environment say is added to `command_line`, as a shell would read it: records then say all that was asked.
  //
  // A file is in CLI11's form, that of simple TOML: `window = "100ms"` is for the command that is run, what stands
  // below `[bench]` for that one alone. app.parse() throws UsageError for a name that the command does not have.
  Defaults(CLI::App& app, std::string& command_line);

  // `what` with the name of the file or variable from which the option came that it complains of, if one did.
  std::string with_origin(const std::string& what) const;

 private:
  CLI::App& app_;
  std::shared_ptr<ConfigFile> file_;
};

}  // namespace mmscale::cli
