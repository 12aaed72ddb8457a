#include "training/trainer/recovery.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "common/core/error.h"

namespace semcodec {

namespace {

constexpr std::int64_t kRecovered = 100;  // steps beyond the divergence after which it is forgotten

/// A number of the metadata; `fallback` when it is not there.
double number_of(const std::map<std::string, std::string>& metadata, const std::string& key,
                 double fallback) {
  const auto found = metadata.find(key);
  if (found == metadata.end()) return fallback;
  char* end = nullptr;
  const double value = std::strtod(found->second.c_str(), &end);
  return end == found->second.c_str() ? fallback : value;
}

}  // namespace

void Recovery::reached(std::int64_t step) {
  if (tries > 0 && step > diverged_at + kRecovered) tries = 0;
}

void Recovery::put(std::map<std::string, std::string>& metadata) const {
  metadata["rate_scale"] = std::to_string(rate_scale);
  metadata["reseed"] = std::to_string(reseed);
  metadata["tries"] = std::to_string(tries);
  metadata["diverged_at"] = std::to_string(diverged_at);
}

Recovery Recovery::from(const std::map<std::string, std::string>& metadata) {
  Recovery found;
  found.rate_scale = number_of(metadata, "rate_scale", 1);
  found.reseed = static_cast<std::int64_t>(number_of(metadata, "reseed", 0));
  found.tries = static_cast<std::int64_t>(number_of(metadata, "tries", 0));
  found.diverged_at = static_cast<std::int64_t>(number_of(metadata, "diverged_at", -1));
  return found;
}

Recovery Recovery::after(std::int64_t step, const std::string& divergence,
                         const RetryOptions& options, const std::string& checkpoint) const {
  require(tries + 1 <= options.retries, ErrorKind::internal,
          "Step " + std::to_string(step) + ": " + divergence + ", after " + std::to_string(tries) +
              " returns to the last good checkpoint, which is kept in " + checkpoint +
              "; go on from there with --resume and a lower learning rate.");
  Recovery next = *this;
  next.rate_scale *= options.rate;
  next.reseed += 1;
  next.tries += 1;
  next.diverged_at = std::max(step, diverged_at);
  return next;
}

std::string Recovery::sentence(std::int64_t back_to, const std::string& divergence,
                               const RetryOptions& options) const {
  char factor[32];
  std::snprintf(factor, sizeof factor, "%.3g", rate_scale);
  return "Step " + std::to_string(diverged_at) + ": " + divergence + "; going back to step " +
         std::to_string(back_to) + " with " + factor +
         " times the learning rate and other samples (try " + std::to_string(tries) + " of " +
         std::to_string(options.retries) + ").";
}

}  // namespace semcodec
