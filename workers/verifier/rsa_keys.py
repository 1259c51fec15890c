"""Say which RSA keys a signature may rest on, wherever the key came from. Pure."""

from typing import Final

from cryptography.hazmat.primitives.asymmetric import rsa

RSA_BITS_MIN: Final = 2_048  # RFC 7518 §3.3; the X.509 verifier's own bound for issuers
RSA_BITS_MAX: Final = 8_192  # twice the largest in use: 8,192 bits cost 1 ms, and it is a square
RSA_EXPONENT_MIN: Final = 65_537  # smaller ones have let forged paddings through elsewhere
# A verification grows with the exponent: of 3,072 bits it takes fifty times as long as 65,537.
RSA_EXPONENT_MAX: Final = 2**32 - 1


def rsa_fault(key: rsa.RSAPublicKey) -> str:
    """Say what is wrong with `key`; nothing, if a signature may rest on it."""
    if not RSA_BITS_MIN <= key.key_size <= RSA_BITS_MAX:
        return f"an RSA key of less than {RSA_BITS_MIN} or more than {RSA_BITS_MAX} bits"
    numbers = key.public_numbers()
    # No product of two primes is even, and arithmetic modulo an even number fails in its own way.
    if numbers.n % 2 == 0:
        return "an RSA modulus that is even"
    if not RSA_EXPONENT_MIN <= numbers.e <= RSA_EXPONENT_MAX:
        return "an RSA exponent that nobody should use"
    return ""
