#include "exponential-means.h"

#include "../data/mapped-file.h"
#include "../parallel.h"

#include <numeric>

namespace lvm {
namespace {

// A window's last row, and its place in the result.
struct Stop {
  int64_t row, place;
};
// Windows that begin at one row, in the order of their last rows.
struct Group {
  int64_t first;
  std::vector<Stop> stops;
};

std::vector<Group> groups_of(const Samples& samples, const Tensor& windows) {
  const auto first = samples.first.index_select(0, windows);
  const auto last = samples.length.defined() ? first + samples.length.index_select(0, windows) - 1 : first + samples.context - 1;
  const auto *begins = first.const_data_ptr<int64_t>(), *ends = last.const_data_ptr<int64_t>();
  std::vector<int64_t> order(size_t(windows.size(0)));
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](int64_t a, int64_t b) { return std::pair(begins[a], ends[a]) < std::pair(begins[b], ends[b]); });
  std::vector<Group> groups;
  for (const auto i : order) {
    if (groups.empty() || groups.back().first != begins[i]) groups.push_back({begins[i], {}});
    groups.back().stops.push_back({ends[i], i});
  }
  return groups;
}

}  // namespace

Tensor exponential_means(const Samples& samples, const Tensor& windows, const std::vector<double>& decays,
                         const std::atomic<bool>& stop) {
  torch::InferenceMode inference;
  require_unchanged(samples.vectors);
  const auto groups = groups_of(samples, windows);
  const auto d = samples.dim(), k = int64_t(decays.size());
  auto out = torch::empty({windows.size(0), k, d}, torch::kFloat32);
  auto* means = out.data_ptr<float>();
  parallel(int64_t(groups.size()), 1, [&](int64_t from, int64_t to) {
    std::vector<float> sums(size_t(k * d));
    std::vector<double> totals(static_cast<size_t>(k));
    for (auto g = from; g < to && !stop; ++g) {
      const auto& [first, stops] = groups[size_t(g)];
      std::fill(sums.begin(), sums.end(), 0.f);
      std::fill(totals.begin(), totals.end(), 0.);
      auto next = stops.begin();
      constexpr int64_t block = 64;
      for (auto at = first; next != stops.end(); at += block) {
        const auto n = std::min(block, stops.back().row + 1 - at);
        const auto rows = samples.vectors.narrow(0, at, n).to(torch::kCPU, torch::kFloat32).contiguous();
        for (int64_t r = 0; r < n; ++r) {
          const auto* x = rows.const_data_ptr<float>() + r * d;
          for (int64_t j = 0; j < k; ++j) {
            const auto fade = float(decays[size_t(j)]);
            auto* sum = sums.data() + j * d;
            for (int64_t c = 0; c < d; ++c) sum[c] = fade * sum[c] + x[c];
            totals[size_t(j)] = decays[size_t(j)] * totals[size_t(j)] + 1;
          }
          for (; next != stops.end() && next->row == at + r; ++next) {
            for (int64_t j = 0; j < k; ++j) {
              const auto share = float(1 / totals[size_t(j)]);
              const auto* sum = sums.data() + j * d;
              auto* mean = means + (next->place * k + j) * d;
              for (int64_t c = 0; c < d; ++c) mean[c] = share * sum[c];
            }
          }
        }
      }
    }
  });
  if (stop) throw Error("INTERRUPTED", "evaluation was stopped");
  return out;
}

}  // namespace lvm
