#include "exponential-means.h"

#include "../data/mapped-file.h"
#include "../parallel.h"
#include "exponential-kernels.h"

#include <functional>
#include <numeric>

namespace lvm {
namespace {

// Rows of a window's context, and its place in the result.
struct Context {
  int64_t first, last, place;
};
// Overlapping contexts; each begins and ends at or after the previous one.
using Chain = std::vector<Context>;

std::vector<Chain> chains_of(const Samples& samples, const Tensor& windows) {
  const auto first = samples.first.index_select(0, windows);
  const auto last = samples.length.defined() ? first + samples.length.index_select(0, windows) - 1 : first + samples.context - 1;
  const auto *begins = first.const_data_ptr<int64_t>(), *ends = last.const_data_ptr<int64_t>();
  std::vector<int64_t> order(size_t(windows.size(0)));
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](int64_t a, int64_t b) { return std::pair(begins[a], ends[a]) < std::pair(begins[b], ends[b]); });
  std::vector<Chain> chains;
  for (const auto i : order) {
    const auto follows = !chains.empty() && begins[i] <= chains.back().back().last && ends[i] >= chains.back().back().last;
    if (!follows) chains.emplace_back();
    chains.back().push_back({begins[i], ends[i], i});
  }
  return chains;
}

// Sums Σ λ^age x and Σ λ^age over a context that moves forward.
class MovingSums {
 public:
  MovingSums(const Samples& samples, const std::vector<double>& decays)
      : samples_(samples), decays_(decays), sums_(decays.size() * size_t(samples.dim())), totals_(decays.size()) {}

  void begin(int64_t first) {
    std::fill(sums_.begin(), sums_.end(), 0.);
    std::fill(totals_.begin(), totals_.end(), 0.);
    first_ = next_ = first;
  }
  void move_to(const Context& to) {
    read(next_, to.last + 1, [&](int64_t, const float* x, int64_t rows) {
      for (size_t k = 0; k < decays_.size(); ++k) {
        exponential::advance(sums_.data() + k * dim(), x, decays_[k], rows, int64_t(dim()));
        for (int64_t r = 0; r < rows; ++r) totals_[k] = decays_[k] * totals_[k] + 1;
      }
    });
    next_ = to.last + 1;
    read(first_, to.first, [&](int64_t first, const float* x, int64_t rows) {
      for (size_t k = 0; k < decays_.size(); ++k) {
        for (int64_t r = 0; r < rows; ++r) {
          const auto left = std::pow(decays_[k], double(to.last - first - r));
          if (left < 1e-30) continue;  // far below the rounding of the sum
          exponential::subtract(sums_.data() + k * dim(), x + size_t(r) * dim(), left, int64_t(dim()));
          totals_[k] -= left;
        }
      }
    });
    first_ = to.first;
  }
  template <class T>
  void means(T* out) const {
    for (size_t k = 0; k < decays_.size(); ++k) {
      const auto* sum = sums_.data() + k * dim();
      for (size_t c = 0; c < dim(); ++c) out[k * dim() + c] = T(sum[c] / totals_[k]);
    }
  }

 private:
  size_t dim() const { return size_t(samples_.dim()); }
  // Calls use(first, vectors, count) for blocks of rows.
  template <class Use>
  void read(int64_t from, int64_t to, const Use& use) const {
    constexpr int64_t block = 64;
    for (; from < to; from += block) {
      const auto n = std::min(block, to - from);
      const auto rows = samples_.vectors.narrow(0, from, n).to(torch::kCPU, torch::kFloat32).contiguous();
      use(from, rows.const_data_ptr<float>(), n);
    }
  }

  const Samples& samples_;
  const std::vector<double>& decays_;
  std::vector<double> sums_, totals_;
  int64_t first_ = 0, next_ = 0;
};

using Visit = std::function<void(int64_t place, const MovingSums& sums)>;

void visit_contexts(const Samples& samples, const Tensor& windows, const std::vector<double>& decays,
                    const std::atomic<bool>& stop, const Visit& visit) {
  require_unchanged(samples.vectors);
  const auto chains = chains_of(samples, windows);
  parallel(int64_t(chains.size()), 1, [&](int64_t from, int64_t to) {
    torch::InferenceMode inference;
    MovingSums sums(samples, decays);
    for (auto i = from; i < to; ++i) {
      sums.begin(chains[size_t(i)].front().first);
      for (const auto& context : chains[size_t(i)]) {
        if (stop) return;
        sums.move_to(context);
        visit(context.place, sums);
      }
    }
  });
  if (stop) throw Error("INTERRUPTED", "evaluation was stopped");
}

}  // namespace

Tensor exponential_means(const Samples& samples, const Tensor& windows, const std::vector<double>& decays,
                         const std::atomic<bool>& stop) {
  torch::InferenceMode inference;
  const auto d = samples.dim(), k = int64_t(decays.size());
  auto out = torch::empty({windows.size(0), k, d}, torch::kFloat32);
  auto* means = out.data_ptr<float>();
  visit_contexts(samples, windows, decays, stop,
                 [&](int64_t place, const MovingSums& sums) { sums.means(means + place * k * d); });
  return out;
}

namespace {

// Visits the means of each window followed by its target, in float64.
void visit_columns(const Samples& samples, const Tensor& windows, const std::vector<double>& decays,
                   const std::atomic<bool>& stop, const std::function<void(int64_t place, const double* columns)>& visit) {
  const auto k = int64_t(decays.size()), d = samples.dim();
  visit_contexts(samples, windows, decays, stop, [&](int64_t place, const MovingSums& sums) {
    auto columns = torch::empty({k + 1, d}, torch::kFloat64);
    sums.means(columns.data_ptr<double>());
    columns.narrow(0, k, 1).copy_(samples.target_rows(windows.narrow(0, place, 1), torch::kFloat64));
    visit(place, columns.const_data_ptr<double>());
  });
}

}  // namespace

Tensor exponential_products(const Samples& samples, const Tensor& windows, const std::vector<double>& decays,
                            const std::atomic<bool>& stop) {
  torch::InferenceMode inference;
  const auto size = int64_t(decays.size()) + 1, d = samples.dim();
  auto out = torch::empty({windows.size(0), size, size}, torch::kFloat64);
  auto* products = out.data_ptr<double>();
  visit_columns(samples, windows, decays, stop, [&](int64_t place, const double* columns) {
    auto* own = products + place * size * size;
    for (int64_t i = 0; i < size; ++i)
      for (int64_t j = 0; j <= i; ++j)
        own[i * size + j] = own[j * size + i] = exponential::dot(columns + i * d, columns + j * d, d);
  });
  return out;
}

Tensor exponential_cosines(const Samples& samples, const Tensor& windows, const std::vector<double>& decays,
                           const std::atomic<bool>& stop) {
  torch::InferenceMode inference;
  const auto k = int64_t(decays.size()), d = samples.dim();
  auto out = torch::empty({windows.size(0), k}, torch::kFloat64);
  auto* cosines = out.data_ptr<double>();
  visit_columns(samples, windows, decays, stop, [&](int64_t place, const double* columns) {
    const auto* target = columns + k * d;
    const auto square = exponential::dot(target, target, d);
    for (int64_t i = 0; i < k; ++i) {
      const auto* mean = columns + i * d;
      const auto size = std::sqrt(exponential::dot(mean, mean, d) * square);
      cosines[place * k + i] = exponential::dot(mean, target, d) / std::max(1e-12, size);
    }
  });
  return out;
}

}  // namespace lvm
