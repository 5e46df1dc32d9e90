// AdamW with decoupled weight decay, one pass over memory.
//
//   g ← g · min(1, clip / (|g| + 1e-6));   p ← p (1 − lr λ);   m ← β₁ m + (1 − β₁) g;   v ← β₂ v + (1 − β₂) g²
//   p ← p − lr / (1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + ε);   average ← decay · average + (1 − decay) p
//
// source  Loshchilov & Hutter 2019, arXiv:1711.05101 alg. 2; clipping as torch.nn.utils.clip_grad_norm_

#include "optimizer.h"

#include "../simd.h"

#include <ATen/Parallel.h>

namespace lvm {
namespace {

struct Rates {
  float decay, beta1, beta2, step_size, root_correction, eps, scale, average;
};

LVM_CLONES void adamw(float* __restrict p, const float* __restrict g, float* __restrict m, float* __restrict v,
                      float* __restrict average, int64_t n, Rates r) {
  for (int64_t i = 0; i < n; ++i) {
    const float gradient = g[i] * r.scale;
    const float mean = m[i] + (gradient - m[i]) * (1 - r.beta1);
    const float square = r.beta2 * v[i] + (1 - r.beta2) * gradient * gradient;
    m[i] = mean, v[i] = square;
    p[i] = p[i] * r.decay - r.step_size * mean / (std::sqrt(square) * r.root_correction + r.eps);
  }
  if (average == nullptr) return;
  for (int64_t i = 0; i < n; ++i) average[i] += (p[i] - average[i]) * (1 - r.average);
}

// Sixteen sums side by side: one would have to be added up in order.
LVM_CLONES double sum_of_squares(const float* g, int64_t n) {
  constexpr int64_t lanes = 16, block = 1024;
  double total = 0;
  for (int64_t i = 0; i < n; i += block) {
    float parts[lanes] = {};
    const auto end = std::min<int64_t>(n, i + block), whole = i + (end - i) / lanes * lanes;
    for (auto j = i; j < whole; j += lanes) {
      for (int64_t k = 0; k < lanes; ++k) parts[k] += g[j + k] * g[j + k];
    }
    for (auto j = whole; j < end; ++j) parts[j - whole] += g[j] * g[j];
    for (const auto part : parts) total += double(part);
  }
  return total;
}

constexpr int64_t grain = 1 << 16;  // elements; also the unit of summation, so the norm does not depend on the thread count

double square_norm(const Tensor& gradient) {
  if (!gradient.is_cpu() || gradient.scalar_type() != torch::kFloat32)
    return std::pow(gradient.norm(2, torch::kFloat64).item<double>(), 2);
  const auto n = gradient.numel(), blocks = (n + grain - 1) / grain;
  std::vector<double> parts(size_t(blocks), 0);
  const auto* g = gradient.const_data_ptr<float>();
  at::parallel_for(0, blocks, 1, [&](int64_t begin, int64_t end) {
    for (auto b = begin; b < end; ++b) parts[size_t(b)] = sum_of_squares(g + b * grain, std::min(grain, n - b * grain));
  });
  double total = 0;
  for (const auto part : parts) total += part;
  return total;
}

}  // namespace

Optimizer::Optimizer(const std::vector<Parameter>& parameters, OptimizerOptions options) : options(options) {
  for (const auto& p : parameters) {
    if (!p.trainable) continue;
    const auto value = p.value.detach();
    slots.push_back({p.name, p.value, torch::zeros_like(value), torch::zeros_like(value),
                     options.ema > 0 ? value.clone() : Tensor(), p.traits});
  }
}

double Optimizer::step(double lr) {
  torch::NoGradGuard no_grad;
  double total = 0;
  for (auto& slot : slots) {
    if (slot.value.grad().defined()) total += square_norm(slot.value.mutable_grad() = slot.value.grad().contiguous());
  }
  const auto norm = std::sqrt(total);
  if (!std::isfinite(norm)) {
    for (auto& slot : slots) slot.value.mutable_grad().reset();
    throw Error("DIVERGED",
                "training: the gradient norm became " + std::to_string(norm) + " at step " + std::to_string(steps + 1));
  }
  const auto scale = options.clip > 0 ? std::min(1.0, options.clip / (norm + 1e-6)) : 1.0;
  steps += 1;
  for (auto& slot : slots) {
    auto& gradient = slot.value.mutable_grad();
    if (!gradient.defined()) continue;
    update(slot, gradient, scale, std::min(lr, slot.traits.lr_cap));
    gradient.reset();
  }
  return norm;
}

void Optimizer::update(Slot& slot, const Tensor& gradient, double scale, double lr) {
  const auto decay = slot.traits.decay ? options.weight_decay : 0.0;
  if (!slot.value.is_cpu() || slot.value.scalar_type() != torch::kFloat32) {
    const auto value = slot.value.detach();
    at::_fused_adamw_({value}, {gradient}, {slot.m}, {slot.v}, {},
                      {torch::full({}, double(steps), value.options().dtype(torch::kFloat32))}, lr, options.beta1, options.beta2,
                      decay, options.eps, false, false, torch::full({}, 1 / scale, value.options().dtype(torch::kFloat32)),
                      std::nullopt);
    if (slot.average.defined()) slot.average.lerp_(value, 1 - options.ema);
    return;
  }
  const auto correction1 = 1 - std::pow(options.beta1, double(steps)), correction2 = 1 - std::pow(options.beta2, double(steps));
  const Rates rates{
    float(1 - lr * decay), float(options.beta1), float(options.beta2), float(lr / correction1), float(1 / std::sqrt(correction2)),
    float(options.eps),    float(scale),         float(options.ema)};
  auto *p = slot.value.mutable_data_ptr<float>(), *m = slot.m.mutable_data_ptr<float>(), *v = slot.v.mutable_data_ptr<float>();
  auto* average = slot.average.defined() ? slot.average.mutable_data_ptr<float>() : nullptr;
  const auto* g = gradient.const_data_ptr<float>();
  const auto n = slot.value.numel(), blocks = (n + grain - 1) / grain;
  at::parallel_for(0, blocks, 1, [&](int64_t begin, int64_t end) {
    const auto at = begin * grain, count = std::min(n, end * grain) - at;
    adamw(p + at, g + at, m + at, v + at, average ? average + at : nullptr, count, rates);
  });
}

void Optimizer::swap_average() {
  torch::NoGradGuard no_grad;
  for (auto& slot : slots) {
    if (!slot.average.defined()) continue;
    const auto weights = slot.value.detach().clone();
    slot.value.detach().copy_(slot.average);
    slot.average.copy_(weights);
  }
}

}  // namespace lvm
