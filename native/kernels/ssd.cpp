#include "ssd.h"

namespace lvm {
namespace {

constexpr int64_t longest = 64;  // positions per chunk

}  // namespace

SsdResult ssd(const Tensor& x, const Tensor& dt, const Tensor& log_decay, const Tensor& b, const Tensor& c, const Tensor& start) {
  const auto batch = x.size(0), time = x.size(1), heads = x.size(2), width = x.size(3);
  const auto q = std::min(time, longest), chunks = (time + q - 1) / q;
  // Padding positions of the last chunk have dt = 0, so they do not change the state.
  const auto split = [&](const Tensor& t) {
    std::vector<int64_t> padding(size_t(2 * t.dim() - 2), 0);
    padding[padding.size() - 1] = chunks * q - time;
    return (chunks * q == time ? t : at::constant_pad_nd(t, padding)).unflatten(1, {chunks, q});
  };
  const auto xs = split(x), dts = split(dt);        // [batch, chunks, q, heads, width], [batch, chunks, q, heads]
  const auto bs = split(b), cs = split(c);          // [batch, chunks, q, state]
  const auto a = split(log_decay).transpose(2, 3);  // [batch, chunks, heads, q]
  const auto weighted = xs * dts.unsqueeze(-1);     // [batch, chunks, q, heads, width]

  // segment[t, s] = Σ_{s<j≤t} a_j. Sums each segment, because differences of long sums lose digits; masked before exp.
  const auto pairs = torch::ones({q, q}, x.options().dtype(torch::kBool));
  const auto segment = a.unsqueeze(-1).expand({batch, chunks, heads, q, q}).masked_fill(pairs.triu(), 0).cumsum(-2);
  const auto decay = segment.masked_fill(pairs.triu(1), -std::numeric_limits<double>::infinity()).exp();
  const auto scores = torch::matmul(cs, bs.transpose(-1, -2)).unsqueeze(2) * decay;
  auto y = torch::matmul(scores, weighted.transpose(2, 3)).transpose(2, 3);

  // All heads share b and c, so reading and writing the states is one product per chunk: [heads · width, q] by [q, state].
  const auto to_end = decay.select(-2, q - 1).transpose(2, 3).unsqueeze(-1);
  const auto added = torch::matmul((weighted * to_end).flatten(-2).transpose(-1, -2), bs).unflatten(2, {heads, width});
  const auto since_start = a.cumsum(-1).exp();  // [batch, chunks, heads, q]
  const auto whole = since_start.select(-1, q - 1).unsqueeze(-1).unsqueeze(-1);
  auto state = start.defined() ? start : torch::zeros_like(added.select(1, 0));
  const auto adding = added.unbind(1), keeping = whole.unbind(1);
  std::vector<Tensor> before;
  for (size_t i = 0; i < adding.size(); ++i) {
    before.push_back(state);
    state = torch::addcmul(adding[i], keeping[i], state);
  }
  if (chunks > 1 || start.defined()) {
    const auto from = torch::stack(before, 1).flatten(2, 3).transpose(-1, -2);  // [batch, chunks, state, heads · width]
    y = y + torch::matmul(cs, from).unflatten(-1, {heads, width}) * since_start.transpose(2, 3).unsqueeze(-1);
  }
  return {y.flatten(1, 2).narrow(1, 0, time), state};
}

}  // namespace lvm
