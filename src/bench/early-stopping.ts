/** Chance of passing what should not pass: 1 - the confidence of 99 %. */
export const ALPHA = 0.01;

/**
 * The lower tail of the binomial distribution, P(Binomial(n, share) <= t), by its terms from the
 * largest down (each from the one before it: P(k-1) / P(k) = k (1-share) / ((n-k+1) share)).
 * Above the mean, where nobody asks how unlikely it is, it is given as 1.
 */
export function binomialTail(n: number, share: number, t: number): number {
  if (t >= n || share <= 0) return 1;
  if (share >= 1) return 0;
  if (t > n * share) return 1;
  const odds = Math.log(share) - Math.log1p(-share);
  let log = n * Math.log1p(-share) + t * odds;
  for (let i = 1; i <= t; i++) log += Math.log((n - t + i) / i);
  let term = Math.exp(log);
  let sum = 0;
  for (let k = t; k >= 0 && term > 0; k--) {
    sum += term;
    term *= (k * (1 - share)) / ((n - k + 1) * share);
  }
  return Math.min(1, sum);
}

/**
 * How many samples are needed where `over` of them are bad and a share of at most `allowed` may be:
 * the least n with P(Binomial(n, allowed) <= over) <= alpha. That many show, at a confidence of
 * 1 - alpha, that the true share is not above `allowed`: were it, so few bad ones would be that
 * unlikely.
 *
 * For "p95 <= X" `allowed` is 0.05 and a sample is bad when it is over X; n is h(t) + t of MLPerf's
 * early-stopping bound (Reddi et al., MLPerf Inference Benchmark, 2020; LoadGen's early_stopping.cc,
 * of which h(t) is the least number of samples that are not over).
 *
 * @param allowed above 0 and below 1
 */
export function samplesNeeded(over: number, allowed: number, alpha = ALPHA): number {
  const shows = (n: number) => binomialTail(n, allowed, over) <= alpha;
  // Fewer than this have the share that was seen above the one allowed.
  let tooFew = over;
  let enough = Math.max(1, Math.ceil(over / allowed));
  while (!shows(enough)) {
    tooFew = enough;
    enough *= 2;
  }
  while (enough - tooFew > 1) {
    const middle = Math.floor((tooFew + enough) / 2);
    if (shows(middle)) enough = middle;
    else tooFew = middle;
  }
  return enough;
}
