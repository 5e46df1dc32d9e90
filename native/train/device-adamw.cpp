#include "device-adamw.h"

#include "optimizer.h"

namespace lvm {

DeviceAdamw::DeviceAdamw(const std::vector<Slot>& slots, const OptimizerOptions& options) : options(options) {
  for (size_t i = 0; i < slots.size(); ++i) {
    const auto decay = slots[i].traits.decay ? options.weight_decay : 0.0, cap = slots[i].traits.lr_cap;
    const auto same = [&](const Group& g) { return g.decay == decay && g.lr_cap == cap; };
    auto group = std::find_if(groups.begin(), groups.end(), same);
    if (group == groups.end()) group = groups.insert(groups.end(), {decay, cap, {}});
    group->slots.push_back(i);
  }
  const auto scalar = [&] { return torch::zeros({}, slots.at(0).value.options().dtype(torch::kFloat32).requires_grad(false)); };
  lr = scalar(), average_weight = scalar(), steps = scalar(), broken = scalar();
}

void DeviceAdamw::prepare(double rate, double weight, int64_t before) {
  lr.fill_(rate);
  average_weight.fill_(weight);
  steps.fill_(double(before));
}

Tensor DeviceAdamw::step(const std::vector<Slot>& slots, const Tensor& loss) {
  torch::NoGradGuard no_grad;
  std::vector<Tensor> all;
  for (const auto& slot : slots) {
    auto& gradient = slot.value.mutable_grad();
    if (gradient.defined()) all.push_back(gradient = gradient.contiguous());
  }
  const auto norm = all.empty() ? torch::zeros_like(lr) : torch::stack(at::_foreach_norm(all, 2, torch::kFloat32)).norm();
  broken.copy_(torch::logical_not(torch::isfinite(norm + loss)).to(torch::kFloat32).maximum(broken));
  steps.add_(1 - broken);
  // The update divides gradients by this scale.
  const auto scale = options.clip > 0 ? std::optional(((norm + 1e-6) / options.clip).clamp_min(1)) : std::nullopt;
  std::vector<Tensor> values, averages;
  for (const auto& group : groups) {
    std::vector<Tensor> p, g, m, v;
    for (const auto i : group.slots) {
      const auto& slot = slots[i];
      if (!slot.value.grad().defined()) continue;
      p.push_back(slot.value.detach()), g.push_back(slot.value.grad()), m.push_back(slot.m), v.push_back(slot.v);
      if (slot.average.defined()) values.push_back(p.back()), averages.push_back(slot.average);
    }
    if (p.empty()) continue;
    const std::vector<Tensor> counts(p.size(), steps);
    at::_fused_adamw_(p, g, m, v, {}, counts, std::isfinite(group.lr_cap) ? lr.clamp_max(group.lr_cap) : lr, options.beta1,
                      options.beta2, group.decay, options.eps, false, false, scale, broken);
  }
  if (!averages.empty()) {
    const auto apart = at::_foreach_sub(values, averages);
    at::_foreach_mul_(apart, average_weight * (1 - broken));
    at::_foreach_add_(averages, apart);
  }
  for (const auto& slot : slots) slot.value.mutable_grad().reset();
  return norm;
}

}  // namespace lvm
