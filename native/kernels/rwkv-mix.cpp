#include "rwkv-mix.h"

namespace lvm {

Init by_channel(const std::function<double(int64_t)>& value) {
  return [=](Tensor& t, at::Generator) {
    std::vector<double> values;
    for (int64_t c = 0; c < t.numel(); ++c) values.push_back(value(c));
    t.copy_(torch::tensor(values, torch::kFloat64).view(t.sizes()));
  };
}

Init mix_init(int64_t dim, double power, double more) {
  return by_channel([=](int64_t c) { return std::pow(double(c) / double(dim), power) + more; });
}

Tensor row_before(const Tensor& x, Pass& pass, size_t slot) {
  if (!pass.state) return {};
  auto& kept = pass.state->slots.at(slot);
  const auto before = kept.empty() ? Tensor() : kept[0];
  kept = {x.select(1, x.size(1) - 1)};
  return before;
}

}  // namespace lvm
