#include "favor-kernels.h"
#include "multiply.h"

#include <ATen/Dispatch.h>
#include "../parallel.h"

namespace lvm {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

using favor::Sizes;

// float32 for every instruction set; float64 serves tests only and is compiled once.
LVM_CLONES void turn_head(const Sizes& z, const float* x, const float* sin, const float* cos, float* out) {
  favor::turn(z, x, sin, cos, out);
}
LVM_CLONES void attend_head(const Sizes& z, const float* x, float* phi, const float* v, float* a, float* sums, float* y) {
  favor::attend(z, x, phi, v, a, sums, y);
}
LVM_CLONES void attend_head_back(const Sizes& z, const float* phi, const float* v, const float* a, const float* sums,
                                 const float* dy, float* g, float* pull, float* dv) {
  favor::attend_back(z, phi, v, a, sums, dy, g, pull, dv);
}
LVM_CLONES void turn_head_back(const Sizes& z, const float* x, const float* d, const float* pull, const float* sin,
                               const float* cos, float* dx) {
  favor::turn_back(z, x, d, pull, sin, cos, dx);
}
void turn_head(const Sizes& z, const double* x, const double* sin, const double* cos, double* out) {
  favor::turn(z, x, sin, cos, out);
}
void attend_head(const Sizes& z, const double* x, double* phi, const double* v, double* a, double* sums, double* y) {
  favor::attend(z, x, phi, v, a, sums, y);
}
void attend_head_back(const Sizes& z, const double* phi, const double* v, const double* a, const double* sums, const double* dy,
                      double* g, double* pull, double* dv) {
  favor::attend_back(z, phi, v, a, sums, dy, g, pull, dv);
}
void turn_head_back(const Sizes& z, const double* x, const double* d, const double* pull, const double* sin, const double* cos,
                    double* dx) {
  favor::turn_back(z, x, d, pull, sin, cos, dx);
}

template <typename Work>
void over_heads(const Sizes& z, Work work) {
  const auto grain = std::max<int64_t>(1, 32768 / (z.rows() * z.m));
  parallel(z.pairs(), grain, [&](int64_t begin, int64_t end) {
    for (auto pair = begin; pair < end; ++pair) work(pair, pair / z.heads, pair % z.heads);
  });
}

struct Pairs final : torch::autograd::Function<Pairs> {
  static Tensor forward(AutogradContext* ctx, const Tensor& given, const Tensor& w, const Tensor& sin, const Tensor& cos,
                        int64_t heads, bool causal, bool last_only) {
    const auto x = given.contiguous();
    const Sizes z{x.size(0), x.size(1), last_only ? 1 : x.size(1), heads, w.size(1), w.size(0), causal ? denominator_floor : 0};
    const auto inner = heads * z.e;
    const auto turned = torch::empty({z.pairs() * z.rows(), z.e}, x.options());
    const auto weights = torch::empty({z.pairs(), z.queries, z.time}, x.options());
    const auto sums = torch::empty({z.pairs(), z.queries}, x.options());
    const auto y = torch::empty({z.batch, z.queries, inner}, x.options());
    Tensor phi;
    AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "favor", [&] {
      const auto *from = x.const_data_ptr<scalar_t>(), *si = sin.const_data_ptr<scalar_t>(), *co = cos.const_data_ptr<scalar_t>();
      auto* rows = turned.mutable_data_ptr<scalar_t>();
      over_heads(z, [&](int64_t pair, int64_t b, int64_t h) {
        turn_head(z, from + b * z.time * 3 * inner + h * z.e, si, co, rows + pair * z.rows() * z.e);
      });
      phi = product(turned, w);
      auto *features = phi.mutable_data_ptr<scalar_t>(), *a = weights.mutable_data_ptr<scalar_t>(),
           *divisors = sums.mutable_data_ptr<scalar_t>(), *out = y.mutable_data_ptr<scalar_t>();
      over_heads(z, [&](int64_t pair, int64_t b, int64_t h) {
        attend_head(z, rows + pair * z.rows() * z.e, features + pair * z.rows() * z.m,
                    from + b * z.time * 3 * inner + 2 * inner + h * z.e, a + pair * z.queries * z.time,
                    divisors + pair * z.queries, out + b * z.queries * inner + h * z.e);
      });
    });
    ctx->save_for_backward({x, w, sin, cos, turned, phi, weights, sums});
    ctx->saved_data["heads"] = heads;
    ctx->saved_data["causal"] = causal;
    return y;
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const auto saved = ctx->get_saved_variables();
    const auto &x = saved[0], &w = saved[1], &sin = saved[2], &cos = saved[3], &turned = saved[4], &phi = saved[5];
    const auto dy = gradients[0].contiguous();
    const auto heads = ctx->saved_data["heads"].toInt();
    const Sizes z{
      x.size(0), x.size(1), dy.size(1), heads, w.size(1), w.size(0), ctx->saved_data["causal"].toBool() ? denominator_floor : 0};
    const auto inner = heads * z.e;
    const auto g = torch::empty_like(phi), pull = torch::empty({z.pairs(), z.rows()}, x.options()), dx = torch::zeros_like(x);
    AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "favor", [&] {
      const auto *features = phi.const_data_ptr<scalar_t>(), *from = x.const_data_ptr<scalar_t>(),
                 *a = saved[6].const_data_ptr<scalar_t>(), *divisors = saved[7].const_data_ptr<scalar_t>(),
                 *d = dy.const_data_ptr<scalar_t>();
      auto *gradient = g.mutable_data_ptr<scalar_t>(), *pulls = pull.mutable_data_ptr<scalar_t>(),
           *into = dx.mutable_data_ptr<scalar_t>();
      over_heads(z, [&](int64_t pair, int64_t b, int64_t h) {
        const auto values = b * z.time * 3 * inner + 2 * inner + h * z.e;
        attend_head_back(z, features + pair * z.rows() * z.m, from + values, a + pair * z.queries * z.time,
                         divisors + pair * z.queries, d + b * z.queries * inner + h * z.e, gradient + pair * z.rows() * z.m,
                         pulls + pair * z.rows(), into + values);
      });
      const auto projected = product(g, w.t()).contiguous();
      const auto *rows = turned.const_data_ptr<scalar_t>(), *back = projected.const_data_ptr<scalar_t>(),
                 *si = sin.const_data_ptr<scalar_t>(), *co = cos.const_data_ptr<scalar_t>();
      over_heads(z, [&](int64_t pair, int64_t b, int64_t h) {
        const auto at = pair * z.rows() * z.e;
        turn_head_back(z, rows + at, back + at, pulls + pair * z.rows(), si, co, into + b * z.time * 3 * inner + h * z.e);
      });
    });
    return {dx, Tensor(), Tensor(), Tensor(), Tensor(), Tensor(), Tensor()};
  }
};

}  // namespace

Tensor favor_by_pairs(const Tensor& x, const Tensor& w, const Angles& by, int64_t heads, bool causal, bool last_only) {
  const auto type = x.scalar_type();
  return Pairs::apply(x, w, by.sin.to(type).contiguous(), by.cos.to(type).contiguous(), heads, causal, last_only);
}

}  // namespace lvm
