"""The hand-written part of docs/theory/README.md; its numbers come from the library."""

from __future__ import annotations

from isoperimetry.bounds import (
    affine_classifier_distance,
    enlargement,
    halfspace_distance,
    mean_distance_bound,
    median_distance_bound,
    noise_norm,
    worst_case_distance,
)

IMAGENET = 224 * 224 * 3


def opening() -> str:
    """Return what the inequality says and why dimension does not matter."""
    distance, length = median_distance_bound(0.01), noise_norm(IMAGENET)
    return f"""# The theorems

Take an image and add Gaussian noise of scale sigma to every pixel, again and again. A classifier is wrong on a
share mu of these noisy copies. All points on which it is wrong form its *error set*, and mu is the Gaussian
measure of that set. How near to the errors are the noisy copies?

Isoperimetric inequalities answer this. The best known is that among all bodies of one volume the ball has the
least surface. In Gaussian noise volume becomes probability, and the ball's place is taken by the half-space,
all points on one side of a hyperplane. *Of all sets of probability mu, the half-space grows the least when
every point within a distance eps is added to it.* So any other error set, however jagged, grows at least as
much, and reaches the noisy copies at least as soon as a half-space of the same mu does. For a half-space
everything is in one direction, across its boundary, and the computation is one of a single normal number: the
boundary is -sigma Phi^-1(mu) away, where Phi is the normal distribution function.

Numbers: for mu = 0.01 this is **{distance:.3f} sigma**. At least half of the noisy copies of the image have an
error within {distance:.3f} sigma, whatever the classifier. The noise itself is long: in a 224 x 224 colour image, n =
{IMAGENET:,} numbers, its length is about sqrt(n) sigma = {length:.1f} sigma. A step of
{100 * distance / length:.1f} % of the length of the noise leads to an error, in the right direction. A model
that is wrong in one of 100 random steps of length {length:.0f} must therefore be wrong, seen from at least half of the
noisy copies, after a well chosen step that is {length / distance:.0f} times shorter.

Why does the dimension not matter? Only one direction counts for a half-space, and along it the noise has scale
sigma whatever the number of other directions. The other sets are compared with it. What grows with n is the
length of the noise, and that makes short adversarial steps look surprising. Fewer errors help little: one in a
million allows {median_distance_bound(1e-6):.2f} sigma, one in 10^20 allows {median_distance_bound(1e-20):.2f}
sigma.

Below are the theorems of the library. Each has a page with its formula, what it assumes, a picture, an example,
the idea of its proof and its source. `isoperimetry theorems` lists the same records on the command line.
Theorems about spheres, cubes, balls and words of bits say the same of other distributions. Further down: [what
an error rate in noise says about the input itself](#what-an-error-rate-in-noise-says-about-the-input-itself).
"""


def inputs() -> str:
    """Return what does and what does not follow for the center, and for inputs that are processed or many."""
    a, (low, high) = halfspace_distance(0.01), affine_classifier_distance(0.01, classes=10)
    pooled, worst = enlargement(0.1, 2.0), 0.1
    return f"""## What an error rate in noise says about the input itself

The theorems above speak of *noisy copies*. About the distance from the image itself, the center of the noise,
to the nearest error the error rate says much less. All numbers are for mu = 0.01, in units of sigma.

- **Nothing forbids the distance 0.** A ball of errors that touches the image can have any error rate below
  1/2, and a thin needle of errors that reaches the image changes no error rate. No error rate, however small,
  certifies that the image is far from an error.
- **The worst case is far away.** If the errors are all points outside a ball about the image, it is sigma R
  away from them, where R^2 is the upper mu-quantile of chi-square with n degrees of freedom:
  {worst_case_distance(0.01, dim=784):.2f} for n = 784 and {worst_case_distance(0.01, dim=IMAGENET):.2f} for n =
  {IMAGENET:,}, about sqrt(n). This is sharp, so that "there is an error within {a:.3f} sigma of the image" is
  false in general. See [the worst case](center-worst-case.md).
- **Convexity on one side gives one side.** If the error set is convex and mu at most 1/2, the distance is at
  most -sigma Phi^-1(mu) = {a:.3f}. If the correct region is convex and holds the image, the distance is at
  least that. See [convex error sets](center-convex.md).
- **Affine classifiers have both sides.** Their correct region is convex, and their errors are at most K - 1
  half-spaces: for K = 10 classes the distance is between {low:.3f} and {high:.3f}. See [affine
  classifiers](center-affine.md).
- **The half-space formula is a prediction.** {a:.3f} is exact if the error set is a half-space. For a network
  it is a guess that errors may miss on both sides. See [the half-space prediction](halfspace-distance.md).
- **Typical noisy copies are a theorem.** At least half of them are within {a:.3f} of an error, for every error set, and
  their mean distance is at most {mean_distance_bound(0.01):.3f}. This is what an attack can be tested against,
  if it starts from noisy copies. See [the distance of a typical noisy sample](gaussian-distance.md).
- **The smoothed classifier has a certificate.** No point within {a:.3f} has errors in the majority of *its*
  noisy copies. That is about another classifier, the majority vote in noise. See [the radius of a smoothed
  classifier](smoothing-radius.md).

### Clipping, pre-processing and pooling

- **Steps that stretch no distance are harmless.** Let the model clip the noisy image to the pixel range,
  project it on a convex set, or do anything else that brings no two images farther apart. Then all bounds hold
  for the processed images: the errors among them are at least that near. Only that half-spaces attain the
  bounds is lost. The noise must be added before the step, and distances measured after it.
- **Steps that stretch** distances by a factor of at most L divide eps by L: the share within eps is at least
  that of a half-space within eps / L, and the distance bounds are multiplied by L. See [images of a
  generator](generator-enlargement.md).
- **Rounding to 8 bits is not such a step.** Two images that are almost equal may be rounded apart. Rounding
  with step h moves every coordinate by up to h / 2, an image by up to sqrt(n) h / 2, and a distance by up to
  sqrt(n) h in all: for 1/255 and n = {IMAGENET:,} this is {IMAGENET**0.5 / 255:.2f}, more than most bounds.
- **Never pool the error rates of several inputs inside a formula.** The bounds are curved, and their value at
  the average rate claims more than the average of their values. Let a model fail on all noisy copies of one
  image in ten, and on none of the others: the average rate is 10 %, and the formula would put
  {100 * pooled:.0f} % of the copies within 2 sigma of an error, where only {100 * worst:.0f} % are within any
  distance. Compute the bound for each input, then average the bounds.
- **Noise around a random input** is a mixture of Gaussian distributions, for which the inequality is false in
  general.
"""
