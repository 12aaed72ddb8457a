// semcodec-info: tells what is in a .sem stream, as far as it goes.

#include <CLI/CLI.hpp>
#include <cstdio>

#include "common/app/run_main.h"
#include "common/app/version.h"
#include "common/core/error.h"
#include "common/core/log.h"
#include "decoder/info/report.h"
#include "semcodec/stream_reader.h"

int main(int argc, char** argv) {
  using namespace semcodec;
  CLI::App app(
      "Tells what is in a .sem stream: header, counts, duration, and where the bits went.\n"
      "A stream that was cut is shown as far as it goes (exit code 0, \"truncated: yes\");\n"
      "a damaged one likewise, with exit code 4.");
  CommonOptions common;
  add_common_options(app, common, version_text("semcodec-info", {}));
  std::string input;
  bool records = false;
  bool digests = false;
  bool json = false;
  app.add_option("input", input, "the stream; - for stdin")->required();
  app.add_flag("--records", records, "list every record");
  app.add_flag("--digests", digests, "list every record, frames with the md5 of their planes");
  app.add_flag("--json", json, "one JSON object instead of the table");
  return run_main(app, argc, argv, [&] {
    // Nothing is generated here, so any size that the format knows is welcome.
    StreamReader::Options reading;
    reading.max_width = reading.max_height = kMaxCodedDimension;
    StreamReader reader(input, reading);
    const StreamReport report = make_report(reader, records, digests);
    const ChartStyle style{terminal_columns(), terminal_columns() > 0 && utf8_locale()};
    const std::string text =
        json ? report_json(report, records, digests) : report_text(report, records, digests, style);
    require(std::fwrite(text.data(), 1, text.size(), stdout) == text.size(), ErrorKind::output,
            "Cannot write to stdout.");
    if (report.status == StreamStatus::truncated) log::warning(report.problem);
    require(report.status != StreamStatus::damaged, ErrorKind::corrupt, report.problem);
  });
}
