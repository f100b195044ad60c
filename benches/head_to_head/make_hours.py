"""Writes hour files of made-up traffic, as the Chat service would serve them.

They come from `annals emulate` over HTTP, so they are what `annals fetch` would download: the same for the same numbers.

    make_hours.py ANNALS FOLDER --messages 200000 --hours 24
"""

import argparse
import datetime
import json
import pathlib
import shutil
import subprocess
import urllib.request

DAY = datetime.datetime(2026, 3, 14)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("annals", help="the binary")
    arguments.add_argument("folder", type=pathlib.Path)
    arguments.add_argument("--messages", type=int, default=200_000, help="messages of an hour, on the average")
    arguments.add_argument("--hours", type=int, default=24, help="1 for the hour 09 alone, else from hour 00, at most 47")
    given = arguments.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    with service(given.annals, given.messages) as process:
        greeting = json.loads(process.stdout.readline())
        try:
            for hour in [9] if given.hours == 1 else range(given.hours):
                download(greeting, f"{DAY + datetime.timedelta(hours=hour):%Y%m%d%H}", given.folder)
        finally:
            process.terminate()


def service(annals, messages):
    command = [annals, "emulate", "--json", "--seed", "1", "--messages-per-hour", str(messages)]
    command += ["--now", "2026-03-16T00", "--rate", "off"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def download(greeting, key, folder):
    """Saves one hour; under its name only when it is whole."""
    whole = folder / f"{key}.gz"
    if whole.exists():
        return
    unfinished = whole.with_suffix(".part")
    request = urllib.request.Request(
        f"{greeting['base_url']}/chatmessages/{key}", headers={"Authorization": f"Bearer {greeting['token']}"}
    )
    with urllib.request.urlopen(request) as answer:
        link = json.load(answer)["data"][0]["url"]
    with urllib.request.urlopen(link) as served, open(unfinished, "wb") as file:
        shutil.copyfileobj(served, file, 1 << 20)
    unfinished.rename(whole)
    print(whole, whole.stat().st_size, flush=True)


if __name__ == "__main__":
    main()
