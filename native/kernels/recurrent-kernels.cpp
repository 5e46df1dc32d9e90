#include "recurrent-kernels.h"

#include "../parallel.h"
#include "multiply.h"
#include "recurrent-cells.h"

#include <ATen/Dispatch.h>

namespace lvm {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// float32 for every instruction set; float64 serves tests only and is compiled once.
using Floats = float*;
using Constants = const float*;
LVM_CLONES void lstm_forward_rows(int64_t rows, int64_t n, Floats g, Constants r, Constants b, Floats c, Floats o) {
  lstm_forward(rows, n, g, r, b, c, o);
}
LVM_CLONES void lstm_backward_rows(int64_t rows, int64_t n, Floats g, Constants h, Floats d, Constants b, Constants c) {
  lstm_backward(rows, n, g, h, d, b, c);
}
LVM_CLONES void gru_forward_rows(int64_t rows, int64_t n, Floats g, Constants r, Constants b, Floats c, Floats o) {
  gru_forward(rows, n, g, r, b, c, o);
}
LVM_CLONES void gru_backward_rows(int64_t rows, int64_t n, Floats g, Floats r, Floats h, Constants b, Constants c) {
  gru_backward(rows, n, g, r, h, b, c);
}
void lstm_forward_rows(int64_t rows, int64_t n, double* g, const double* r, const double* b, double* c, double* o) {
  lstm_forward(rows, n, g, r, b, c, o);
}
void lstm_backward_rows(int64_t rows, int64_t n, double* g, const double* h, double* d, const double* b, const double* c) {
  lstm_backward(rows, n, g, h, d, b, c);
}
void gru_forward_rows(int64_t rows, int64_t n, double* g, const double* r, const double* b, double* c, double* o) {
  gru_forward(rows, n, g, r, b, c, o);
}
void gru_backward_rows(int64_t rows, int64_t n, double* g, double* r, double* h, const double* b, const double* c) {
  gru_backward(rows, n, g, r, h, b, c);
}

// Splits rows over threads, in ranges large enough to pay for waking a thread.
template <typename Work>
void over_rows(int64_t batch, int64_t n, Work work) {
  parallel(batch, std::max<int64_t>(1, 8192 / n), [&](int64_t begin, int64_t end) { work(begin, end - begin); });
}

// Initial state of a recurrence. An undefined state is zero and saves the first product.
using Given = std::optional<Tensor>;
Given given(const Tensor& h) { return h.defined() ? Given(h) : Given(); }

// Factors of the products in their dtype; gates keep the dtype of the weights.
struct Factors {
  Tensor x, w_ih, w_hh;  // x [time · batch, in]
  torch::ScalarType type, x_type;
  int64_t time, batch, n;
  bool from_zero;

  Tensor of_inputs(const Tensor& bias) const { return product(x, w_ih, as_factor(bias)).to(type); }
  Tensor times(const Tensor& g, const Tensor& weight) const {
    return product(g.to(w_hh.scalar_type()), weight).to(type).contiguous();
  }
  Tensor weight_gradient(const Tensor& g, const Tensor& input) const {
    return product(g.to(w_hh.scalar_type()).t(), input.to(w_hh.scalar_type()).t()).to(type);
  }
  // Previous output of each step.
  // Shapes: [time · batch, n]
  Tensor inputs_of_steps(const Tensor& first, const Tensor& out) const {
    return torch::cat({first.unsqueeze(0), out.narrow(0, 0, time - 1)}).view({time * batch, n});
  }
};

Factors factors(const Tensor& x, const Given& h0, const Tensor& w_ih, const Tensor& w_hh, int64_t n) {
  return {as_factor(x.reshape({-1, x.size(2)})),
          as_factor(w_ih),
          as_factor(w_hh),
          w_hh.scalar_type(),
          x.scalar_type(),
          x.size(0),
          x.size(1),
          n,
          !h0.has_value()};
}

void keep(AutogradContext* ctx, const Factors& f, variable_list more) {
  variable_list all{f.x, f.w_ih, f.w_hh};
  all.insert(all.end(), more.begin(), more.end());
  ctx->save_for_backward(std::move(all));
  ctx->saved_data["sizes"] = std::vector<int64_t>{f.time, f.batch, f.n};
  ctx->saved_data["type"] = f.type;
  ctx->saved_data["x_type"] = f.x_type;
}

Factors kept(AutogradContext* ctx, const variable_list& saved) {
  const auto sizes = ctx->saved_data["sizes"].toIntVector();
  const auto type = [&](const char* key) { return ctx->saved_data[key].toScalarType(); };
  return {saved[0], saved[1], saved[2], type("type"), type("x_type"), sizes[0], sizes[1], sizes[2], false};
}

Tensor or_zeros(const Given& h, const Factors& f, const Tensor& like) {
  return h ? h->contiguous() : torch::zeros({f.batch, f.n}, like.options());
}

struct Lstm final : torch::autograd::Function<Lstm> {
  static variable_list forward(AutogradContext* ctx, const Tensor& x, const Given& h0, const Given& c0, const Tensor& w_ih,
                               const Tensor& w_hh, const Tensor& b_ih, const Tensor& b_hh) {
    const auto f = factors(x, h0, w_ih, w_hh, b_hh.size(0) / 4);
    const auto gates = f.of_inputs(b_ih + b_hh).view({f.time, f.batch, 4 * f.n});
    const auto first_h = or_zeros(h0, f, gates), first_c = or_zeros(c0, f, gates),
               none = torch::zeros({f.batch, 4 * f.n}, gates.options());
    const auto out = torch::empty({f.time, f.batch, f.n}, gates.options()), cells = torch::empty_like(out);
    AT_DISPATCH_FLOATING_TYPES(f.type, "lstm", [&] {
      for (int64_t t = 0; t < f.time; ++t) {
        const auto recurrent = t == 0 && f.from_zero ? none : f.times(t == 0 ? first_h : out[t - 1], f.w_hh);
        const auto before = t == 0 ? first_c : cells[t - 1];
        auto *g = gates[t].mutable_data_ptr<scalar_t>(), *c = cells[t].mutable_data_ptr<scalar_t>(),
             *o = out[t].mutable_data_ptr<scalar_t>();
        const auto *r = recurrent.const_data_ptr<scalar_t>(), *b = before.const_data_ptr<scalar_t>();
        over_rows(f.batch, f.n, [&, n = f.n](int64_t at, int64_t rows) {
          lstm_forward_rows(rows, n, g + at * 4 * n, r + at * 4 * n, b + at * n, c + at * n, o + at * n);
        });
      }
    });
    keep(ctx, f, {gates, cells, out, first_h, first_c});
    const auto last = cells[f.time - 1].clone();
    ctx->mark_non_differentiable({last});
    return {out, last};
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const auto saved = ctx->get_saved_variables();
    const auto f = kept(ctx, saved);
    const auto gates = saved[3].clone(), cells = saved[4], out = saved[5], first_h = saved[6], first_c = saved[7];
    const auto dout = gradients[0].contiguous(), dc = torch::zeros({f.batch, f.n}, gates.options());
    auto dh = dout[f.time - 1];
    AT_DISPATCH_FLOATING_TYPES(f.type, "lstm", [&] {
      for (int64_t t = f.time - 1; t >= 0; --t) {
        const auto before = t == 0 ? first_c : cells[t - 1];
        auto *g = gates[t].mutable_data_ptr<scalar_t>(), *d = dc.mutable_data_ptr<scalar_t>();
        const auto *h = dh.const_data_ptr<scalar_t>(), *b = before.const_data_ptr<scalar_t>(),
                   *c = cells[t].const_data_ptr<scalar_t>();
        over_rows(f.batch, f.n, [&, n = f.n](int64_t at, int64_t rows) {
          lstm_backward_rows(rows, n, g + at * 4 * n, h + at * n, d + at * n, b + at * n, c + at * n);
        });
        if (t > 0) dh = f.times(gates[t], f.w_hh.t()).add_(dout[t - 1]);
      }
    });
    const auto flat = gates.view({f.time * f.batch, 4 * f.n}), db = flat.sum(0);
    const auto dx = ctx->needs_input_grad(0) ? f.times(flat, f.w_ih.t()).view({f.time, f.batch, -1}).to(f.x_type) : Tensor();
    return {dx, {}, {}, f.weight_gradient(flat, f.x), f.weight_gradient(flat, f.inputs_of_steps(first_h, out)), db, db.clone()};
  }
};

struct Gru final : torch::autograd::Function<Gru> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x, const Given& h0, const Tensor& w_ih, const Tensor& w_hh,
                        const Tensor& b_ih, const Tensor& b_hh) {
    const auto f = factors(x, h0, w_ih, w_hh, b_hh.size(0) / 3);
    const auto gates = f.of_inputs(b_ih).view({f.time, f.batch, 3 * f.n});
    const auto first = or_zeros(h0, f, gates);
    const auto out = torch::empty({f.time, f.batch, f.n}, gates.options()), candidates = torch::empty_like(out);
    AT_DISPATCH_FLOATING_TYPES(f.type, "gru", [&] {
      for (int64_t t = 0; t < f.time; ++t) {
        const auto before = t == 0 ? first : out[t - 1];
        const auto recurrent =
          (t == 0 && f.from_zero ? b_hh.expand({f.batch, 3 * f.n}) : f.times(before, f.w_hh).add_(b_hh)).contiguous();
        auto *g = gates[t].mutable_data_ptr<scalar_t>(), *c = candidates[t].mutable_data_ptr<scalar_t>(),
             *o = out[t].mutable_data_ptr<scalar_t>();
        const auto *r = recurrent.const_data_ptr<scalar_t>(), *b = before.const_data_ptr<scalar_t>();
        over_rows(f.batch, f.n, [&, n = f.n](int64_t at, int64_t rows) {
          gru_forward_rows(rows, n, g + at * 3 * n, r + at * 3 * n, b + at * n, c + at * n, o + at * n);
        });
      }
    });
    keep(ctx, f, {gates, candidates, out, first});
    return out;
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const auto saved = ctx->get_saved_variables();
    const auto f = kept(ctx, saved);
    const auto gates = saved[3].clone(), recurrent = torch::empty_like(gates), candidates = saved[4], out = saved[5],
               first = saved[6];
    const auto dout = gradients[0].contiguous();
    auto dh = dout[f.time - 1].clone();
    AT_DISPATCH_FLOATING_TYPES(f.type, "gru", [&] {
      for (int64_t t = f.time - 1; t >= 0; --t) {
        const auto before = t == 0 ? first : out[t - 1];
        auto *g = gates[t].mutable_data_ptr<scalar_t>(), *r = recurrent[t].mutable_data_ptr<scalar_t>(),
             *h = dh.mutable_data_ptr<scalar_t>();
        const auto *b = before.const_data_ptr<scalar_t>(), *c = candidates[t].const_data_ptr<scalar_t>();
        over_rows(f.batch, f.n, [&, n = f.n](int64_t at, int64_t rows) {
          gru_backward_rows(rows, n, g + at * 3 * n, r + at * 3 * n, h + at * n, b + at * n, c + at * n);
        });
        if (t > 0) dh = f.times(recurrent[t], f.w_hh.t()).add_(dh).add_(dout[t - 1]);
      }
    });
    const auto flat = gates.view({f.time * f.batch, 3 * f.n}), flat_recurrent = recurrent.view_as(flat);
    const auto dx = ctx->needs_input_grad(0) ? f.times(flat, f.w_ih.t()).view({f.time, f.batch, -1}).to(f.x_type) : Tensor();
    return {dx,
            {},
            f.weight_gradient(flat, f.x),
            f.weight_gradient(flat_recurrent, f.inputs_of_steps(first, out)),
            flat.sum(0),
            flat_recurrent.sum(0)};
  }
};

}  // namespace

LstmResult lstm_recurrence(const Tensor& x, const Tensor& h0, const Tensor& c0, const RecurrentWeights& w) {
  const auto result = Lstm::apply(x, given(h0), given(c0), w.input->value, w.state->value, w.input_bias, w.state_bias);
  return {result[0], result[1]};
}
Tensor gru_recurrence(const Tensor& x, const Tensor& h0, const RecurrentWeights& w) {
  return Gru::apply(x, given(h0), w.input->value, w.state->value, w.input_bias, w.state_bias);
}

}  // namespace lvm
