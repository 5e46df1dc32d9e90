#include "tsne.h"

#include "../error.h"
#include "../parallel.h"
#include "../simd.h"

namespace lvm {
namespace {

constexpr int64_t kLanes = 16;
constexpr int64_t kTile = 1024;  // pairs summed in float32 before they are added to a double
constexpr double kExaggeration = 12;
constexpr int64_t kExaggerated = 250;

struct Sums {
  double attract[2] = {}, repel[2] = {}, weight = 0;
};

// Adds the terms of one point against `count` others to its gradient and to the normaliser.
LVM_INLINE void add_tile(int64_t count, const float* p, const float* a, const float* b, float ya, float yb, Sums& sums) {
  float attract_a[kLanes] = {}, attract_b[kLanes] = {}, repel_a[kLanes] = {}, repel_b[kLanes] = {}, weight[kLanes] = {};
  int64_t at = 0;
  for (; at + kLanes <= count; at += kLanes) {
    for (int64_t l = 0; l < kLanes; ++l) {
      const float da = ya - a[at + l], db = yb - b[at + l];
      const float q = 1.0f / (1.0f + da * da + db * db), pull = p[at + l] * q, push = q * q;
      attract_a[l] += pull * da, attract_b[l] += pull * db;
      repel_a[l] += push * da, repel_b[l] += push * db;
      weight[l] += q;
    }
  }
  for (; at < count; ++at) {
    const float da = ya - a[at], db = yb - b[at];
    const float q = 1.0f / (1.0f + da * da + db * db), pull = p[at] * q, push = q * q;
    attract_a[0] += pull * da, attract_b[0] += pull * db;
    repel_a[0] += push * da, repel_b[0] += push * db;
    weight[0] += q;
  }
  for (int64_t l = 0; l < kLanes; ++l) {
    sums.attract[0] += attract_a[l], sums.attract[1] += attract_b[l];
    sums.repel[0] += repel_a[l], sums.repel[1] += repel_b[l];
    sums.weight += weight[l];
  }
}

LVM_CLONES void add_point(int64_t n, const float* p, const float* a, const float* b, int64_t i, Sums& sums) {
  for (int64_t at = 0; at < n; at += kTile) add_tile(std::min(kTile, n - at), p + at, a + at, b + at, a[i], b[i], sums);
}

void check_stop(const std::atomic<bool>& stop) {
  if (stop) throw Error("INTERRUPTED", "t-SNE was stopped");
}

// Finds the Gaussian widths of some rows by bisection, and their conditional affinities.
// Shapes: d [rows, n], squared distances
Tensor conditional(Tensor d, int64_t first, double perplexity) {
  const auto rows = d.size(0);
  d.diagonal(first).fill_(std::numeric_limits<float>::infinity());
  d.sub_(d.amin({1}, true));
  const auto far = d.isinf();
  const auto finite = d.masked_fill(far, 0);
  const auto wanted = std::log(perplexity);
  const auto wide = torch::TensorOptions().dtype(torch::kFloat64);
  auto beta = torch::ones({rows, 1}, wide), low = torch::zeros({rows, 1}, wide);
  auto high = torch::full({rows, 1}, std::numeric_limits<double>::infinity(), wide);
  Tensor p;
  for (int step = 0; step < 100; ++step) {
    p = (finite * -beta.to(torch::kFloat32)).exp_().masked_fill_(far, 0);
    const auto sum = p.sum({1}, true, torch::kFloat64);
    const auto entropy = sum.log() + beta * (p * finite).sum({1}, true, torch::kFloat64) / sum;
    p.div_(sum.to(torch::kFloat32));
    if (((entropy - wanted).abs() < 1e-5).all().item<bool>()) break;
    const auto narrower = entropy > wanted;
    low = torch::where(narrower, beta, low), high = torch::where(narrower, high, beta);
    beta = torch::where(high.isinf(), beta * 2, (low + high) / 2);
  }
  return p;
}

}  // namespace

Tensor affinities(const Tensor& x_, double perplexity, const std::atomic<bool>& stop) {
  const auto x = x_.to(torch::kFloat32).contiguous();
  const auto n = x.size(0);
  const auto squares = x.square().sum(1);
  auto p = torch::empty({n, n}, torch::kFloat32);
  constexpr int64_t block = 512;
  for (int64_t at = 0; at < n; at += block) {
    check_stop(stop);
    const auto rows = std::min(block, n - at);
    const auto part = x.narrow(0, at, rows);
    auto d = torch::addmm(squares.unsqueeze(0), part, x.t(), 1, -2);
    d.add_(squares.narrow(0, at, rows).unsqueeze(1)).clamp_min_(0);
    p.narrow(0, at, rows).copy_(conditional(d, at, perplexity));
  }
  return (p + p.t()).div_(2.0 * double(n));
}

Tensor principal_start(const Tensor& x_) {
  const auto x = x_.to(torch::kFloat64);
  const auto centred = x - x.mean(0, true);
  const auto [values, vectors] = torch::linalg_eigh(centred.t().mm(centred));
  auto axes = vectors.narrow(1, std::max<int64_t>(0, vectors.size(1) - 2), std::min<int64_t>(2, vectors.size(1))).flip({1});
  const auto largest = axes.gather(0, axes.abs().argmax(0, true));
  auto start = centred.mm(axes * largest.sign());
  if (start.size(1) == 1) start = torch::cat({start, torch::zeros_like(start)}, 1);
  return start * (1e-4 / start.select(1, 0).std(0, false).clamp_min(1e-300));
}

double tsne_gradient(const Tensor& p, const Tensor& y, double exaggeration, Tensor& gradient) {
  const auto n = y.size(0);
  const auto columns = y.t().contiguous();
  const auto *a = columns.const_data_ptr<float>(), *b = a + n, *near = p.const_data_ptr<float>();
  std::vector<Sums> all(n);
  parallel(n, 32, [&](int64_t begin, int64_t end) {
    for (auto i = begin; i < end; ++i) add_point(n, near + i * n, a, b, i, all[i]);
  });
  double weight = -double(n);  // without each point's pair with itself
  for (const auto& sums : all) weight += sums.weight;
  auto* out = gradient.mutable_data_ptr<double>();
  for (int64_t i = 0; i < n; ++i)
    for (int k = 0; k < 2; ++k) out[2 * i + k] = 4 * (exaggeration * all[i].attract[k] - all[i].repel[k] / weight);
  return weight;
}

Embedded tsne(const Tensor& x, const TsneOptions& o, const std::atomic<bool>& stop) {
  torch::InferenceMode inference;
  const auto n = x.size(0);
  const auto p = affinities(x, o.perplexity, stop);
  auto y = principal_start(x);
  auto velocity = torch::zeros_like(y), gains = torch::ones_like(y), gradient = torch::zeros_like(y);
  const double rate = std::max(double(n) / kExaggeration / 4, 50.0);
  for (int64_t step = 0; step < o.iterations; ++step) {
    check_stop(stop);
    const bool early = step < kExaggerated;
    tsne_gradient(p, y.to(torch::kFloat32), early ? kExaggeration : 1, gradient);
    const auto turned = (velocity * gradient) < 0;
    gains = torch::where(turned, gains + 0.2, gains * 0.8).clamp_min(0.01);
    velocity = velocity * (early ? 0.5 : 0.8) - rate * gains * gradient;
    y = y + velocity;
  }
  const auto flat = y.to(torch::kFloat32);
  const auto weight = tsne_gradient(p, flat, 1, gradient);
  double divergence = 0;
  for (int64_t i = 0; i < n; ++i) {
    const auto q = 1 / ((flat - flat[i]).square().sum(1) + 1) / weight, row = p[i];
    divergence += torch::xlogy(row, row / q).sum(torch::kFloat64).item<double>();
  }
  return {y, divergence};
}

}  // namespace lvm
