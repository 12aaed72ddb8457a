#include "benchmarks/layer_table.h"

#include <ATen/record_function.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <mutex>
#include <sstream>
#include <string>
#include <vector>

namespace semcodec {
namespace {

using Clock = std::chrono::steady_clock;

struct Row {
  double ms = 0;
  int calls = 0;
};

std::mutex rows_mutex;
std::map<std::string, Row> table;

/// An operator that is running; `inside` is the time of those that it called.
struct Running : at::ObserverContext {
  std::string name;
  Clock::time_point begin;
  double inside = 0;
  Running* caller = nullptr;
};

thread_local Running* current = nullptr;

std::string title(const at::RecordFunction& call) {
  std::ostringstream text;
  text << call.name();
  int shown = 0;
  for (const auto& input : call.inputs()) {
    if (!input.isTensor() || !input.toTensor().defined() || ++shown > 3) continue;
    text << (shown == 1 ? "  " : ", ");
    const auto& tensor = input.toTensor();
    for (std::int64_t i = 0; i < tensor.dim(); ++i) text << (i > 0 ? "x" : "") << tensor.size(i);
    if (shown == 1) text << " " << c10::toString(tensor.scalar_type());
  }
  return text.str();
}

std::unique_ptr<at::ObserverContext> enter(const at::RecordFunction& call) {
  auto running = std::make_unique<Running>();
  running->name = title(call);
  running->caller = current;
  current = running.get();
  running->begin = Clock::now();
  return running;
}

void leave(const at::RecordFunction&, at::ObserverContext* context) {
  auto* running = static_cast<Running*>(context);
  const std::chrono::duration<double, std::milli> took = Clock::now() - running->begin;
  current = running->caller;
  if (current != nullptr) current->inside += took.count();
  const std::lock_guard<std::mutex> lock(rows_mutex);
  Row& row = table[running->name];
  row.ms += took.count() - running->inside;
  ++row.calls;
}

}  // namespace

void print_layer_table(const std::function<torch::Tensor()>& work, int runs, int rows) {
  table.clear();
  const auto handle =
      at::addGlobalCallback(at::RecordFunctionCallback(enter, leave)
                                .needsInputs(true)
                                .scopes({at::RecordScope::FUNCTION, at::RecordScope::USER_SCOPE}));
  const auto begin = Clock::now();
  for (int i = 0; i < runs; ++i) work();
  const std::chrono::duration<double, std::milli> whole = Clock::now() - begin;
  at::removeCallback(handle);
  std::vector<std::pair<std::string, Row>> order(table.begin(), table.end());
  double sum = 0;
  for (const auto& [name, row] : order) sum += row.ms;
  order.push_back({"outside torch's operators", {std::max(0.0, whole.count() - sum), runs}});
  std::sort(order.begin(), order.end(),
            [](const auto& a, const auto& b) { return a.second.ms > b.second.ms; });
  std::printf("  %8s %6s %6s  operator, shapes of its inputs\n", "ms", "share", "calls");
  for (std::size_t i = 0; i < order.size() && i < static_cast<std::size_t>(rows); ++i) {
    const auto& [name, row] = order[i];
    std::printf("  %8.3f %5.1f%% %6.1f  %s\n", row.ms / runs, 100 * row.ms / whole.count(),
                static_cast<double>(row.calls) / runs, name.c_str());
  }
}

}  // namespace semcodec
