#include "recurrent-weights.h"

namespace lvm {

RecurrentWeights recurrent_weights(Builder& b, int64_t layer, int64_t gates, int64_t in, int64_t width) {
  const auto init = uniform(1 / std::sqrt(double(width)));
  const auto number = std::to_string(layer);
  return {b.matrix("weight_ih_l" + number, {gates * width, in}, init),
          b.matrix("weight_hh_l" + number, {gates * width, width}, init),
          b.parameter("bias_ih_l" + number, {gates * width}, init), b.parameter("bias_hh_l" + number, {gates * width}, init)};
}

std::vector<Tensor> listed(const RecurrentWeights& w) { return {w.input->value, w.state->value, w.input_bias, w.state_bias}; }

bool has_recurrent_kernel(const RecurrentWeights& w) {
  const auto& bias = w.input_bias;
  return bias.is_cpu() && (bias.scalar_type() == torch::kFloat32 || bias.scalar_type() == torch::kFloat64);
}

std::vector<Tensor> recurrent_state(Pass& pass, size_t slot) {
  if (pass.state && !pass.state->slots.at(slot).empty()) return pass.state->slots.at(slot);
  return {Tensor(), Tensor()};
}

Tensor state_or_zeros(const Tensor& h, const Tensor& x, int64_t width) {
  return h.defined() ? h.unsqueeze(0) : torch::zeros({1, x.size(1), width}, x.options());
}

}  // namespace lvm
