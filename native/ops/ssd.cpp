#include "ssd.h"

namespace lvm {
namespace {

constexpr int64_t longest = 64;  // positions of a chunk

}  // namespace

SsdResult ssd(const Tensor& x, const Tensor& dt, const Tensor& log_decay, const Tensor& b, const Tensor& c, const Tensor& start) {
  const auto batch = x.size(0), time = x.size(1), heads = x.size(2);
  const auto q = std::min(time, longest), chunks = (time + q - 1) / q;
  // Positions that fill up the last chunk have dt = 0: they leave the state as it is.
  const auto split = [&](const Tensor& t) {
    std::vector<int64_t> padding(size_t(2 * t.dim() - 2), 0);
    padding[padding.size() - 1] = chunks * q - time;
    return (chunks * q == time ? t : at::constant_pad_nd(t, padding)).unflatten(1, {chunks, q});
  };
  const auto xs = split(x).transpose(2, 3);                                          // [batch, chunks, heads, q, width]
  const auto dts = split(dt).transpose(2, 3), a = split(log_decay).transpose(2, 3);  // [batch, chunks, heads, q]
  const auto bs = split(b).unsqueeze(2), cs = split(c).unsqueeze(2);                 // [batch, chunks, 1, q, state]

  // segment[t, s] = Σ_{s<j≤t} a_j, as sums and not as differences of long sums; masked before exp.
  const auto pairs = torch::ones({q, q}, x.options().dtype(torch::kBool));
  const auto segment = a.unsqueeze(-1).expand({batch, chunks, heads, q, q}).masked_fill(pairs.triu(), 0).cumsum(-2);
  const auto decay = segment.masked_fill(pairs.triu(1), -std::numeric_limits<double>::infinity()).exp();
  const auto weighted = xs * dts.unsqueeze(-1);
  auto y = torch::matmul(torch::matmul(cs, bs.transpose(-1, -2)) * decay, weighted);

  const auto to_end = decay.select(-2, q - 1).unsqueeze(-1);                    // [batch, chunks, heads, q, 1]
  const auto added = torch::matmul((weighted * to_end).transpose(-1, -2), bs);  // [batch, chunks, heads, width, state]
  const auto since_start = a.cumsum(-1).exp().unsqueeze(-1);                    // [batch, chunks, heads, q, 1]
  const auto whole = since_start.select(-2, q - 1).unsqueeze(-1);               // [batch, chunks, heads, 1, 1]
  auto state = start.defined() ? start : torch::zeros_like(added.select(1, 0));
  std::vector<Tensor> before;
  for (int64_t i = 0; i < chunks; ++i) {
    before.push_back(state);
    state = torch::addcmul(added.select(1, i), whole.select(1, i), state);
  }
  if (chunks > 1 || start.defined()) y = y + torch::matmul(cs, torch::stack(before, 1).transpose(-1, -2)) * since_start;
  return {y.transpose(2, 3).flatten(1, 2).narrow(1, 0, time), state};
}

}  // namespace lvm
