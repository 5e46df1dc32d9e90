#include "recurrent-weights.h"

namespace lvm {

RecurrentWeights recurrent_weights(Builder& b, const std::string& layer, int64_t gates, int64_t in, int64_t width) {
  const auto init = uniform(1 / std::sqrt(double(width)));
  return {b.matrix("weight_ih_" + layer, {gates * width, in}, init), b.matrix("weight_hh_" + layer, {gates * width, width}, init),
          b.parameter("bias_ih_" + layer, {gates * width}, init), b.parameter("bias_hh_" + layer, {gates * width}, init)};
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
