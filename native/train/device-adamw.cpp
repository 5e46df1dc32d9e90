#include "device-adamw.h"

#include "optimizer.h"

namespace lvm {

namespace {

// Parameters that one fused update can change.
struct Group {
  double decay, lr_cap, lr_scale;
  std::vector<Tensor> p, g, m, v;
};

std::vector<Group> groups_of(const std::vector<Slot>& slots) {
  std::vector<Group> groups;
  for (const auto& slot : slots) {
    if (!slot.moves()) continue;
    const auto decay = slot.weight_decay, cap = slot.traits.lr_cap, scale = slot.lr_scale;
    const auto same = [&](const Group& g) { return g.decay == decay && g.lr_cap == cap && g.lr_scale == scale; };
    auto group = std::find_if(groups.begin(), groups.end(), same);
    if (group == groups.end()) group = groups.insert(groups.end(), {decay, cap, scale, {}, {}, {}, {}});
    group->p.push_back(slot.value.detach()), group->g.push_back(slot.value.grad());
    group->m.push_back(slot.m), group->v.push_back(slot.v);
  }
  return groups;
}

}  // namespace

DeviceAdamw::DeviceAdamw(const std::vector<Slot>& slots, const OptimizerOptions& options) : options(options) {
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
    if (slot.moves()) all.push_back(gradient = gradient.contiguous());
  }
  const auto norm = all.empty() ? torch::zeros_like(lr) : torch::stack(at::_foreach_norm(all, 2, torch::kFloat32)).norm();
  broken.copy_(torch::logical_not(torch::isfinite(norm + loss)).to(torch::kFloat32).maximum(broken));
  steps.add_(1 - broken);
  // The update divides gradients by this scale.
  const auto scale = options.clip > 0 ? std::optional(((norm + 1e-6) / options.clip).clamp_min(1)) : std::nullopt;
  for (const auto& [decay, cap, factor, p, g, m, v] : groups_of(slots)) {
    const std::vector<Tensor> counts(p.size(), steps);
    const auto scaled = factor == 1 ? lr : lr * factor;
    at::_fused_adamw_(p, g, m, v, {}, counts, std::isfinite(cap) ? scaled.clamp_max(cap) : scaled, options.beta1, options.beta2,
                      decay, options.eps, false, false, scale, broken);
  }
  std::vector<Tensor> values, averages;
  for (const auto& slot : slots)
    if (slot.average.defined() && slot.moves()) values.push_back(slot.value.detach()), averages.push_back(slot.average);
  if (!averages.empty()) {
    const auto apart = at::_foreach_sub(values, averages);
    at::_foreach_mul_(apart, average_weight * (1 - broken));
    at::_foreach_add_(averages, apart);
  }
  for (const auto& slot : slots) slot.value.mutable_grad().reset();
  return norm;
}

}  // namespace lvm
