// Sinusoidal positions, added to the input; the table grows with the longest context seen.
//
//   pairs   P[t, 2j] = sin(t w_j), P[t, 2j+1] = cos(t w_j)        w_j = 10000^(−2j/d)
//   halves  P[t] = [sin(t w_0) … sin(t w_{d/2−1}), cos(t w_0) …]
//
// shapes  [batch, time, d] -> [batch, time, d]; d even
// source  Vaswani et al. 2017, arXiv:1706.03762 §3.5; float32 tables, as the references have them; parity: transformer, performer

#include <mutex>

#include "op-table.h"

namespace lvm {
namespace {

struct Sinusoid final : Layer {
  Sinusoid(int64_t dim, bool pairs) : dim(dim), pairs(pairs) {
    if (dim % 2 != 0) throw Error("BAD_SPEC", "sinusoid: expected an even width but received " + std::to_string(dim));
  }

  Tensor forward(const Tensor& x, Pass& pass) override {
    const auto offset = pass.state ? pass.state->position : 0;
    return x + rows(offset + x.size(1), x.device()).narrow(0, offset, x.size(1)).to(x.scalar_type());
  }

  // float32 in every pass. Locked, because a prediction and a training may ask from different threads.
  Tensor rows(int64_t needed, torch::Device device) {
    const std::lock_guard lock(mutex);
    if (!table.defined() || table.size(0) < needed) {
      const torch::InferenceMode outside(false);
      table = positions(std::max<int64_t>(needed, 128)).to(device);
    }
    return table;
  }

  Tensor positions(int64_t count) const {
    const auto even = torch::arange(0, dim, 2, torch::kFloat32);
    const auto rates =
      pairs ? torch::exp(even * (-std::log(10000.0) / double(dim))) : 1.0 / torch::pow(10000.0, even / double(dim));
    const auto angles = torch::arange(count, torch::kFloat32).unsqueeze(1) * rates;
    return pairs ? torch::stack({angles.sin(), angles.cos()}, -1).flatten(-2) : torch::cat({angles.sin(), angles.cos()}, -1);
  }

  int64_t dim;
  bool pairs;
  std::mutex mutex;
  Tensor table;
};

}  // namespace

Made make_sinusoid(const Node& node, Builder&) {
  return std::make_unique<Sinusoid>(node.integer("dim"), node.word("layout", {"pairs", "halves"}) == "pairs");
}

}  // namespace lvm
