// AdamW with decoupled weight decay, one pass over memory.
//
//   g ← g · min(1, clip / (|g| + 1e-6));   p ← p (1 − lr λ);   m ← β₁ m + (1 − β₁) g;   v ← β₂ v + (1 − β₂) g²
//   p ← p − lr / (1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + ε);   average ← d · average + (1 − d) p
//   d = decay, or min(decay, (1 + t) / (10 + t)) during warm-up
//
// bfloat16 weights and moments are rounded stochastically, so that updates below one ulp count in the mean. This takes 8 bytes
// per parameter with its gradient. The random numbers are a pure function of (seed, step, parameter).
//
// source  Loshchilov & Hutter 2019, arXiv:1711.05101 alg. 2; clipping as torch.nn.utils.clip_grad_norm_

#include "optimizer.h"

#include "../parallel.h"
#include "../simd.h"

#include <cstring>

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

LVM_INLINE float wide(uint16_t half) {
  const uint32_t bits = uint32_t(half) << 16;
  float x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}
LVM_INLINE uint16_t rounded(float x, uint32_t random) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return uint16_t((bits + (random & 0xFFFFu)) >> 16);
}
// 32 pseudo-random bits of a counter.
LVM_INLINE uint32_t mixed(uint32_t x) {
  x = (x ^ (x >> 16)) * 0x85EBCA6Bu;
  x = (x ^ (x >> 13)) * 0xC2B2AE35u;
  return x ^ (x >> 16);
}

LVM_CLONES void adamw_bf16(uint16_t* __restrict p, const uint16_t* __restrict g, uint16_t* __restrict m, uint16_t* __restrict v,
                           int64_t n, uint32_t key, Rates r) {
  for (int64_t i = 0; i < n; ++i) {
    const uint32_t first = mixed(key + uint32_t(i) * 2u), second = mixed(key + uint32_t(i) * 2u + 1u);
    const float gradient = wide(g[i]) * r.scale, before = wide(m[i]);
    const float mean = before + (gradient - before) * (1 - r.beta1);
    const float square = r.beta2 * wide(v[i]) + (1 - r.beta2) * gradient * gradient;
    m[i] = rounded(mean, first), v[i] = rounded(square, first >> 16);
    p[i] = rounded(wide(p[i]) * r.decay - r.step_size * mean / (std::sqrt(square) * r.root_correction + r.eps), second);
  }
}

LVM_CLONES double sum_of_squares(const uint16_t* g, int64_t n) {
  constexpr int64_t lanes = 16;
  double total = 0;
  for (int64_t i = 0; i < n; i += lanes * 64) {
    float parts[lanes] = {};
    const auto end = std::min<int64_t>(n, i + lanes * 64);
    for (auto j = i; j < end; ++j) parts[j % lanes] += wide(g[j]) * wide(g[j]);
    for (const auto part : parts) total += double(part);
  }
  return total;
}

using lvm::sum_of_squares;

template <typename Number>
double square_norm_of(const Number* g, int64_t n) {
  const auto blocks = blocks_of(n);
  std::vector<double> parts(size_t(blocks), 0);
  parallel(blocks, 1, [&](int64_t begin, int64_t end) {
    for (auto b = begin; b < end; ++b) parts[size_t(b)] = sum_of_squares(g + b * grain, std::min(grain, n - b * grain));
  });
  double total = 0;
  for (const auto part : parts) total += part;
  return total;
}

const uint16_t* bits(const Tensor& t) { return reinterpret_cast<const uint16_t*>(t.const_data_ptr<at::BFloat16>()); }
uint16_t* mutable_bits(const Tensor& t) { return reinterpret_cast<uint16_t*>(t.mutable_data_ptr<at::BFloat16>()); }

double square_norm(const Tensor& gradient) {
  if (gradient.scalar_type() == torch::kFloat32) return square_norm_of(gradient.const_data_ptr<float>(), gradient.numel());
  if (gradient.scalar_type() == torch::kBFloat16) return square_norm_of(bits(gradient), gradient.numel());
  return std::pow(gradient.norm(2, torch::kFloat64).item<double>(), 2);
}

}  // namespace

// Sixteen partial sums, because a single one could not be vectorised.
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

std::vector<Parameter> scaled(std::vector<Parameter> parameters, const std::map<std::string, double>& factors) {
  for (auto& p : parameters) {
    const auto found = factors.find(p.name);
    if (!p.trainable || found == factors.end()) continue;
    p.traits.lr_scale = found->second;
    if (found->second > 0) continue;
    p.trainable = false;
    p.value.set_requires_grad(false);
  }
  return parameters;
}

Optimizer::Optimizer(const std::vector<Parameter>& parameters, OptimizerOptions options, Share share)
    : options(options), share(share) {
  for (const auto& p : parameters) {
    if (!p.trainable) continue;
    slots.push_back({p.name, p.value, {}, {}, {}, p.traits, p.traits.lr_scale, p.traits.decay ? options.weight_decay : 0});
  }
  std::vector<Tensor> values;
  for (const auto& slot : slots) values.push_back(slot.value);
  const auto cuts = share.size > 1 ? cuts_of(values, share.size) : std::vector<std::vector<int64_t>>(slots.size());
  for (size_t i = 0; i < slots.size(); ++i) {
    auto& slot = slots[i];
    slot.cuts = cuts[i];
    const auto value = part(slot, slot.value.detach());
    slot.m = torch::zeros_like(value), slot.v = torch::zeros_like(value);
    if (options.ema > 0) slot.average = value.clone();
  }
}

double Optimizer::step(double lr, const std::vector<double>& squares) {
  torch::NoGradGuard no_grad;
  if (!slots.empty() && !slots[0].value.is_cpu()) {
    prepare(lr);
    const auto norm = queue(torch::zeros({}, slots[0].m.options().dtype(torch::kFloat32))).item<double>();
    if (!std::isfinite(norm)) steps -= 1, restart(), refuse(norm);
    return norm;
  }
  double total = 0;
  for (size_t i = 0; i < slots.size(); ++i) {
    if (!slots[i].moves()) continue;
    const auto& gradient = slots[i].value.mutable_grad() = slots[i].value.grad().contiguous();
    total += squares.empty() ? square_norm(gradient) : squares[i];
  }
  const auto norm = std::sqrt(total);
  if (!std::isfinite(norm)) {
    for (auto& slot : slots) slot.value.mutable_grad().reset();
    refuse(norm);
  }
  const auto scale = options.clip > 0 ? std::min(1.0, options.clip / (norm + 1e-6)) : 1.0;
  steps += 1;
  for (size_t i = 0; i < slots.size(); ++i) {
    auto& gradient = slots[i].value.mutable_grad();
    if (slots[i].moves()) update(i, gradient, scale, slots[i].rate(lr));
    gradient.reset();
  }
  return norm;
}

void Optimizer::refuse(double norm) const {
  throw Error("DIVERGED", std::string("training: the gradient norm became ") + (std::isnan(norm) ? "NaN" : "infinite") +
                            " at step " + std::to_string(steps + 1));
}

void Optimizer::prepare(double lr) {
  if (!device) device = std::make_unique<DeviceAdamw>(slots, options);
  steps += 1;
  device->prepare(lr, 1 - average_decay(), steps - 1);
}

// Warm-up, so that the average of the first steps is not mostly the initial weights.
double Optimizer::average_decay() const {
  const auto t = double(steps);
  return options.ema_warmup ? std::min(options.ema, (1 + t) / (10 + t)) : options.ema;
}

void Optimizer::update(size_t index, const Tensor& gradient, double scale, double lr) {
  auto& slot = slots[index];
  const auto value = part(slot, slot.value.detach()), own = part(slot, gradient);
  if (value.numel() == 0) return;
  const auto half = value.scalar_type() == torch::kBFloat16;
  if (!half && value.scalar_type() != torch::kFloat32) {
    at::_fused_adamw_({value}, {own}, {slot.m}, {slot.v}, {},
                      {torch::full({}, double(steps), value.options().dtype(torch::kFloat32))}, lr, options.beta1, options.beta2,
                      slot.weight_decay, options.eps, false, false,
                      torch::full({}, 1 / scale, value.options().dtype(torch::kFloat32)), std::nullopt);
    if (slot.average.defined()) slot.average.lerp_(value, 1 - average_decay());
    return;
  }
  const auto correction1 = 1 - std::pow(options.beta1, double(steps)), correction2 = 1 - std::pow(options.beta2, double(steps));
  const Rates rates{float(1 - lr * slot.weight_decay), float(options.beta1), float(options.beta2), float(lr / correction1),
                    float(1 / std::sqrt(correction2)), float(options.eps),   float(scale),         float(average_decay())};
  const auto n = value.numel(), blocks = blocks_of(n);
  if (half) {
    const auto from = slot.cuts.empty() ? 0 : slot.cuts[size_t(share.rank)];
    auto *p = mutable_bits(value), *m = mutable_bits(slot.m), *v = mutable_bits(slot.v);
    const auto* g = bits(own);
    const auto key = mixed(uint32_t(options.seed) ^ mixed(uint32_t(steps) ^ mixed(uint32_t(index))));
    parallel(blocks, 1, [&](int64_t begin, int64_t end) {
      const auto at = begin * grain, count = std::min(n, end * grain) - at;
      adamw_bf16(p + at, g + at, m + at, v + at, count, key + uint32_t(from + at) * 2u, rates);
    });
    return;
  }
  auto *p = value.mutable_data_ptr<float>(), *m = slot.m.mutable_data_ptr<float>(), *v = slot.v.mutable_data_ptr<float>();
  auto* average = slot.average.defined() ? slot.average.mutable_data_ptr<float>() : nullptr;
  const auto* g = own.const_data_ptr<float>();
  parallel(blocks, 1, [&](int64_t begin, int64_t end) {
    const auto at = begin * grain, count = std::min(n, end * grain) - at;
    adamw(p + at, g + at, m + at, v + at, average ? average + at : nullptr, count, rates);
  });
}

void Optimizer::swap_average() {
  torch::NoGradGuard no_grad;
  for (auto& slot : slots) {
    if (!slot.average.defined()) continue;
    const auto value = part(slot, slot.value.detach()), weights = value.clone();
    value.copy_(slot.average);
    slot.average.copy_(weights);
  }
}

}  // namespace lvm
