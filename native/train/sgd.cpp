#include "sgd.h"

namespace lvm {

Sgd::Sgd(const std::vector<Parameter>& parameters, SgdOptions options) : options(options) {
  for (const auto& p : parameters) {
    if (!p.trainable) continue;
    slots.push_back({p.name, p.value, options.momentum > 0 ? torch::zeros_like(p.value.detach()) : Tensor(), {}, {}, p.traits});
  }
}

double Sgd::step(double lr) {
  torch::NoGradGuard no_grad;
  std::vector<Tensor> squares;
  for (const auto& slot : slots)
    if (slot.value.grad().defined()) squares.push_back(slot.value.grad().norm(2, torch::kFloat64).square().to(torch::kCPU));
  const auto norm = squares.empty() ? 0.0 : torch::stack(squares).sum().sqrt().item<double>();
  if (!std::isfinite(norm)) {
    for (auto& slot : slots) slot.value.mutable_grad().reset();
    throw Error("DIVERGED", std::string("training: the gradient norm became ") + (std::isnan(norm) ? "NaN" : "infinite") +
                              " at step " + std::to_string(steps + 1));
  }
  const auto scale = options.clip > 0 ? std::min(1.0, options.clip / (norm + 1e-6)) : 1.0;
  steps += 1;
  for (auto& slot : slots) {
    auto& given = slot.value.mutable_grad();
    if (!given.defined()) continue;
    const auto value = slot.value.detach();
    auto gradient = scale == 1 ? given : given * scale;
    if (slot.traits.decay && options.weight_decay > 0) gradient = gradient.add(value, options.weight_decay);
    if (options.momentum > 0) {
      slot.m.mul_(options.momentum).add_(gradient);
      gradient = options.nesterov ? gradient.add(slot.m, options.momentum) : slot.m;
    }
    value.sub_(gradient, std::min(lr, slot.traits.lr_cap));
    given.reset();
  }
  return norm;
}

}  // namespace lvm
