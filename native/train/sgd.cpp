#include "sgd.h"

namespace lvm {

Sgd::Sgd(const std::vector<Parameter>& parameters, SgdOptions options) : options(options) {
  for (const auto& p : parameters) {
    if (!p.trainable) continue;
    slots.push_back({p.name,
                     p.value,
                     options.momentum > 0 ? torch::zeros_like(p.value.detach()) : Tensor(),
                     {},
                     {},
                     p.traits,
                     p.traits.lr_scale,
                     p.traits.decay ? options.weight_decay : 0});
  }
}

double Sgd::step(double lr) {
  torch::NoGradGuard no_grad;
  std::vector<Tensor> squares;
  for (const auto& slot : slots)
    if (slot.moves()) squares.push_back(slot.value.grad().norm(2, torch::kFloat64).square().to(torch::kCPU));
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
    const auto moves = slot.moves();
    const auto scaled = moves && scale != 1 ? given * scale : given;
    given.reset();
    if (!moves) continue;
    const auto value = slot.value.detach();
    auto gradient = slot.weight_decay > 0 ? scaled.add(value, slot.weight_decay) : scaled;
    if (options.momentum > 0) {
      slot.m.mul_(options.momentum).add_(gradient);
      gradient = options.nesterov ? gradient.add(slot.m, options.momentum) : slot.m;
    }
    value.sub_(gradient, slot.rate(lr));
  }
  return norm;
}

}  // namespace lvm
