#include "readings.h"

#include <numeric>

namespace lvm {
namespace {

// Vectors read for each vector that is needed, before a batch of unequal contexts is divided.
constexpr double padding = 1.3;

Tensor tensor_of(const std::vector<int64_t>& values) { return torch::tensor(values, torch::kInt64); }

// Windows that are read as one context.
struct Group {
  int64_t first, length;
  std::vector<int64_t> which;
};

std::vector<Group> groups_of(const Samples& samples, const Tensor& windows, bool shared) {
  const auto first = samples.first.index_select(0, windows), length = samples.length.index_select(0, windows);
  const auto *begins = first.const_data_ptr<int64_t>(), *lengths = length.const_data_ptr<int64_t>();
  std::vector<int64_t> order(size_t(windows.size(0)));
  std::iota(order.begin(), order.end(), 0);
  if (shared) std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return begins[a] < begins[b]; });
  std::vector<Group> groups;
  for (const auto i : order) {
    if (!shared || groups.empty() || groups.back().first != begins[i]) groups.push_back({begins[i], 0, {}});
    groups.back().length = std::max(groups.back().length, lengths[i]);
    groups.back().which.push_back(i);
  }
  std::stable_sort(groups.begin(), groups.end(), [](const Group& a, const Group& b) { return a.length > b.length; });
  return groups;
}

Reading reading_of(const Samples& samples, const Tensor& windows, const Group* from, const Group* to) {
  std::vector<int64_t> which, first, length, context;
  for (const auto* group = from; group != to; ++group) {
    for (const auto i : group->which) which.push_back(i), context.push_back(int64_t(first.size()));
    first.push_back(group->first);
    length.push_back(group->length);
  }
  const auto places = tensor_of(which), asked = windows.index_select(0, places);
  const auto time = from->length;
  if (to[-1].length == time && which.size() == first.size())  // no padding, and one window for each context
    return {places, asked, tensor_of(first), {}, time, {}, {}};
  return {
    places, asked, tensor_of(first), tensor_of(length), time, tensor_of(context), samples.length.index_select(0, asked) - 1};
}

std::vector<Reading> of_one_length(const Samples& samples, const Tensor& windows, int64_t batch) {
  std::vector<Reading> all;
  for (int64_t at = 0; at < windows.size(0); at += batch) {
    const auto part = windows.narrow(0, at, std::min(batch, windows.size(0) - at));
    all.push_back({torch::arange(at, at + part.size(0)), part, samples.first.index_select(0, part), {}, samples.context, {}, {}});
  }
  return all;
}

}  // namespace

std::vector<Reading> readings(const Samples& samples, const Tensor& windows, const ReadingRules& rules) {
  if (!samples.length.defined()) return of_one_length(samples, windows, rules.batch);
  const auto groups = groups_of(samples, windows, rules.shared && rules.causal);
  std::vector<Reading> all;
  for (size_t from = 0, to = 0; from < groups.size(); from = to) {
    int64_t needed = 0;
    const auto time = groups[from].length;
    const auto fits = [&](const Group& next) {
      if (!rules.causal && next.length != time) return false;
      const auto read = int64_t(to - from + 1) * time;
      return read <= rules.vectors && double(read) <= padding * double(needed + next.length);
    };
    do needed += groups[to++].length;
    while (to < groups.size() && fits(groups[to]));
    all.push_back(reading_of(samples, windows, &groups[from], &groups[from] + (to - from)));
  }
  return all;
}

}  // namespace lvm
