"""Read what a stranger answers, and never more of it than was agreed to."""

import aiohttp


async def bounded_body(response: aiohttp.ClientResponse, bytes_max: int) -> bytes | None:
    """Return the whole body, or None as soon as it is known to be longer than `bytes_max`."""
    if (response.content_length or 0) > bytes_max:
        return None
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > bytes_max:
            return None
    return bytes(body)
