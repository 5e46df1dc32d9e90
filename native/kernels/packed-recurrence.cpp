#include "packed-recurrence.h"

#include "../parallel.h"
#include "multiply.h"
#include "recurrent-cells.h"

namespace lvm {
namespace {

LVM_CLONES void lstm_rows(int64_t rows, int64_t n, float* g, const float* r, const float* before, float* cell, float* out) {
  lstm_forward(rows, n, g, r, before, cell, out);
}
LVM_CLONES void gru_rows(int64_t rows, int64_t n, float* g, const float* r, const float* before, float* candidate, float* out) {
  gru_forward(rows, n, g, r, before, candidate, out);
}

// Splits rows over threads, in ranges large enough to pay for waking a thread.
template <typename Work>
void over_rows(int64_t batch, int64_t n, Work work) {
  parallel(batch, std::max<int64_t>(1, 8192 / n), [&](int64_t begin, int64_t end) { work(begin, end - begin); });
}

// y = h Wᵀ + bias. Shapes: h [n, width], bias [out] or null, y [n, out], dense
void times(const Matrix& w, const float* h, int64_t n, const float* bias, float* y) {
  if (!w.packed.empty()) return w.packed.front()->write(h, n, bias, y);
  const auto view = [](const float* data, at::IntArrayRef shape) {
    return torch::from_blob(const_cast<float*>(data), shape, torch::kFloat32);
  };
  const auto& value = w.value;
  view(y, {n, value.size(0)}).copy_(product(view(h, {n, value.size(1)}), value, bias ? view(bias, {value.size(0)}) : Tensor()));
}

// Gates of all inputs, and memory for the outputs and for the recurrent part of one step.
struct Room {
  Room(const Tensor& x, const RecurrentWeights& w, int64_t gates_per_cell, const Tensor& input_bias)
      : time(x.size(0)),
        batch(x.size(1)),
        width(w.state_bias.size(0) / gates_per_cell),
        gates(multiply(x.reshape({-1, x.size(2)}), *w.input, input_bias)),
        out(torch::empty({time, batch, width}, gates.options())),
        recurrent(torch::empty({batch, gates_per_cell * width}, gates.options())) {}

  Tensor state(const Tensor& given) const {
    return given.defined() ? given.contiguous() : torch::zeros({batch, width}, gates.options());
  }

  int64_t time, batch, width;
  Tensor gates, out, recurrent;
};

}  // namespace

bool is_packed(const RecurrentWeights& w) { return !w.input->packed.empty() || !w.state->packed.empty(); }

LstmResult packed_lstm(const Tensor& x, const Tensor& h0, const Tensor& c0, const RecurrentWeights& w) {
  const Room room(x, w, 4, w.input_bias + w.state_bias);
  const auto [time, batch, n, gates, out, recurrent] = room;
  const auto first = room.state(h0), cell = c0.defined() ? c0.clone() : room.state({});
  const auto* before = first.const_data_ptr<float>();
  auto *g = gates.mutable_data_ptr<float>(), *o = out.mutable_data_ptr<float>(), *r = recurrent.mutable_data_ptr<float>(),
       *c = cell.mutable_data_ptr<float>();
  if (!h0.defined()) std::fill_n(r, batch * 4 * n, 0.f);
  for (int64_t t = 0; t < time; ++t, g += batch * 4 * n, before = o, o += batch * n) {
    if (t > 0 || h0.defined()) times(*w.state, before, batch, nullptr, r);
    over_rows(batch, n, [&, n = n](int64_t at, int64_t rows) {
      lstm_rows(rows, n, g + at * 4 * n, r + at * 4 * n, c + at * n, c + at * n, o + at * n);
    });
  }
  return {out, cell};
}

Tensor packed_gru(const Tensor& x, const Tensor& h0, const RecurrentWeights& w) {
  const Room room(x, w, 3, w.input_bias);
  const auto [time, batch, n, gates, out, recurrent] = room;
  const auto first = room.state(h0), bias = w.state_bias.contiguous(), candidate = torch::empty_like(first);
  const auto *before = first.const_data_ptr<float>(), *b = bias.const_data_ptr<float>();
  auto *g = gates.mutable_data_ptr<float>(), *o = out.mutable_data_ptr<float>(), *r = recurrent.mutable_data_ptr<float>(),
       *c = candidate.mutable_data_ptr<float>();
  if (!h0.defined())
    for (int64_t row = 0; row < batch; ++row) std::copy_n(b, 3 * n, r + row * 3 * n);
  for (int64_t t = 0; t < time; ++t, g += batch * 3 * n, o += batch * n) {
    if (t > 0 || h0.defined()) times(*w.state, before, batch, b, r);
    over_rows(batch, n, [&, n = n](int64_t at, int64_t rows) {
      gru_rows(rows, n, g + at * 3 * n, r + at * 3 * n, before + at * n, c + at * n, o + at * n);
    });
    before = o;
  }
  return out;
}

}  // namespace lvm
