#include "agreement.h"

#include "packed-weights.h"

#include <ATen/CPUGeneratorImpl.h>

#include <map>
#include <mutex>

namespace lvm {
namespace {

constexpr double float32_ulp = 0x1p-24;

// Error bound of a float32 sum of `n` products in any order, relative to the sum of magnitudes.
double sum_error(int64_t n) { return double(n + 16) * float32_ulp; }

Tensor seeded_normal(at::IntArrayRef shape, uint64_t seed) {
  return torch::randn(shape, at::detail::createCPUGenerator(seed), torch::kFloat32);
}

// Largest |y − exact| / allowed; infinite for NaN.
double worst(const Tensor& y, const Tensor& exact, const Tensor& allowed) {
  const auto ratio = (y.to(torch::kFloat64) - exact).abs() / (allowed + 1e-300);
  return ratio.nan_to_num(INFINITY, INFINITY).max().item<double>();
}

// Shapes: values and scales as in packed-weights.h -> [out, in] float64
Tensor exact_weights(const Tensor& values, const Tensor& scales) {
  if (values.scalar_type() != torch::kUInt8) {
    const auto wide = values.to(torch::kFloat64);
    return scales.defined() ? wide * scales.unsqueeze(1) : wide;
  }
  return (unpacked(values).to(torch::kFloat64) - 8) * scales.repeat_interleave(int4_group, 1);
}

enum Probe { ones, minus_ones, both_signs, outlier, random, signs_of_weight, probes };

// Shapes: -> [probes, in]
Tensor probe_rows(const Tensor& values, const Tensor& scales) {
  const auto in = exact_weights(values.narrow(0, 0, 1), scales.defined() ? scales.narrow(0, 0, 1) : scales).size(1);
  const auto rows = torch::ones({probes, in});
  rows[minus_ones] = -1;
  rows[both_signs].slice(0, 1, in, 2) = -1;
  rows[outlier] = seeded_normal({in}, 1) * 1e-3;
  rows[outlier][in / 2] = 1;
  rows[random] = torch::tanh(seeded_normal({in}, 2));
  const auto middle = values.size(0) / 2;
  rows[signs_of_weight] = torch::where(
    exact_weights(values.narrow(0, middle, 1), scales.defined() ? scales.narrow(0, middle, 1) : scales)[0] < 0, -1., 1.);
  return rows;
}

// Probe inputs of one product. Equal extremes lie on the quantisation grid, so they are not rounded.
struct Batch {
  std::vector<int64_t> rows;
  bool on_grid;
};
std::vector<Batch> batches() {
  constexpr size_t many = 66;
  Batch mixed{{}, false};
  for (size_t i = 0; i < many; ++i) mixed.rows.push_back(int64_t(i % probes));
  return {{{ones}, true},
          {{minus_ones}, true},
          {{both_signs}, false},
          {{outlier}, false},
          {{random}, false},
          {{signs_of_weight}, false},
          {std::vector<int64_t>(many, ones), true},
          mixed};
}

struct Form {
  Tensor x, weight, bias;
};

double multiplier_error(Multiplier kind) {
  double most = 0;
  const int64_t shapes[][3] = {{33, 64, 70}, {17, 5, 33}, {160, 512, 130}};
  for (const auto& [n, in, out] : shapes) {
    const auto x = seeded_normal({n, in}, 1), w = seeded_normal({out, in}, 2), dy = seeded_normal({n, out}, 3);
    for (const auto& [a, b, bias] : {Form{x, w, seeded_normal({out}, 4)}, Form{dy, w.t(), {}}, Form{dy.t(), x.t(), {}}}) {
      const auto wide = a.to(torch::kFloat64), other = b.t().to(torch::kFloat64);
      auto exact = wide.mm(other), size = wide.abs().mm(other.abs());
      if (bias.defined()) exact.add_(bias), size.add_(bias.abs());
      most = std::max(most, worst(product_by(kind, a, b, bias), exact, size * sum_error(a.size(1))));
    }
  }
  return most;
}

}  // namespace

double disagreement(const Packed& packed, Rounding rounding, const Tensor& values, const Tensor& scales, Outputs outputs) {
  const auto rows = probe_rows(values, scales), wide = rows.to(torch::kFloat64);
  const auto in = rows.size(1), out = values.size(0);
  std::vector<std::pair<Batch, Tensor>> found;
  for (auto& batch : batches()) {
    auto y = packed.product(rows.index_select(0, torch::tensor(batch.rows)));
    found.emplace_back(std::move(batch), std::move(y));
  }
  double most = 0;
  constexpr int64_t block = 256;  // rows of the weight converted at once, to bound memory
  for (int64_t from = 0; from < out; from += block) {
    const auto count = std::min(block, out - from);
    if (outputs == Outputs::ends && from > 0 && out - from >= 2 * block) continue;
    const auto w = exact_weights(values.narrow(0, from, count), scales.defined() ? scales.narrow(0, from, count) : scales).t();
    const auto exact = wide.mm(w), size = wide.abs().mm(w.abs()), grid = rounding.step * w.abs().sum(0);
    const auto allowed = size * (rounding.relative + sum_error(in));
    for (const auto& [batch, y] : found) {
      const auto at = torch::tensor(batch.rows);
      auto limit = allowed.index_select(0, at);
      if (!batch.on_grid) limit = limit + grid;
      most = std::max(most, worst(y.narrow(1, from, count), exact.index_select(0, at), limit));
    }
  }
  return most;
}

std::pair<Tensor, Tensor> extreme_weights(torch::Dtype dtype, int64_t out, int64_t in) {
  const auto four = dtype == torch::kUInt8;
  const auto columns = four ? in / 2 : in;
  const auto pattern = torch::empty({4, columns}, torch::kInt64);
  pattern[0] = four ? 0xff : 127;
  pattern[1] = four ? 0 : -127;
  pattern[2] = pattern[0];
  pattern[2].slice(0, 1, columns, 2) = pattern[1].slice(0, 1, columns, 2);
  pattern[3] = torch::where(seeded_normal({columns}, 3) < 0, pattern[0], pattern[1]);
  const auto values = pattern.to(dtype).repeat({(out + 3) / 4, 1}).narrow(0, 0, out).contiguous();
  if (dtype == torch::kBFloat16 || dtype == torch::kFloat32) return {values, Tensor()};
  return {values, four ? torch::ones({out, in / int4_group}) : torch::ones({out})};
}

bool agrees(Multiplier kind) {
  static std::mutex mutex;
  static std::map<std::pair<Multiplier, int>, bool>
    known;  // by thread count: a product is split over threads, and only the split may be wrong
  const std::lock_guard lock(mutex);
  const auto [entry, fresh] = known.try_emplace({kind, at::get_num_threads()}, false);
  if (fresh) {
    torch::NoGradGuard no_grad;
    entry->second = multiplier_error(kind) <= 1;
  }
  return entry->second;
}

}  // namespace lvm
