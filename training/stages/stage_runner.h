#pragma once
// Runs the jobs of a training one after the other, and knows which are done.
//
// A job leaves two files in the working folder: NAME.begun when it starts and NAME.done after it
// ended well and uninterrupted. Both hold its settings and those of all jobs before it, so that a
// changed setting runs that job and everything after it again, from the start. An unfinished job
// with the same settings goes on from its own checkpoint. What a job wrote proves nothing by
// itself: the stages also export when they are interrupted.

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace semcodec {

struct Job {
  int stage = 1;      ///< number of its stage, from 1; several jobs may share one
  std::string name;   ///< of its marker: "prepare", "edges", "maps"
  std::string title;  ///< for people: "edges", "edges: maps of all frames"
  std::map<std::string, std::string> settings;
  std::vector<std::string> results;  ///< files that are there when it is done
  std::function<void()> clear;       ///< puts away what an earlier run with other settings left
  /// Does the work, or goes on with it. Returns the exit code of its program.
  std::function<int()> work;
};

/// `folder` is made when it is not there. Throws Error(interrupted) after a signal, and an Error of
/// the program's kind, naming the stage, when one ends with another code than 0.
void run_jobs(const std::vector<Job>& jobs, const std::string& folder);

/// "A is X (was Y)" for the first settings that differ; empty when none does.
std::string describe_change(const std::string& before, const std::string& now);

/// Renames a file or folder to PATH.before-N, unless it is not there: hours of training are not
/// thrown away because of a changed number.
void set_aside(const std::string& path);

}  // namespace semcodec
