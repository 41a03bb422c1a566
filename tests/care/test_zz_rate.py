import time, os, subprocess, sys
from tests.care.test_relay import *  # noqa
def test_rate(relays, store, ledger):
    plan(store, 1500)
    ledger.post("/behave", {"delay_ms": 50}); ledger.post("/receipts/configure", {"mode":"never"})
    log=open("/tmp/rate.log","ab")
    p=subprocess.Popen([sys.executable,"manage.py","relay","--threads","20"],cwd=ROOT,env=relays.environment,stdout=log,stderr=log); relays.all.append(p)
    wait_until(lambda: sum(ledger.taken().values())>20); 
    def cpu():
        f=open(f"/proc/{p.pid}/stat").read().split(); return (int(f[13])+int(f[14]))/os.sysconf("SC_CLK_TCK")
    n0=sum(ledger.taken().values()); t0=time.monotonic(); c0=cpu()
    wait_until(lambda: states()["accepted"]>=1400)
    n=sum(ledger.taken().values())-n0; t=time.monotonic()-t0; c=cpu()-c0
    print(f"\n{n} in {t:.2f}s = {n/t:.0f}/s of {20/0.05:.0f}; cpu {c/n*1e6:.0f} us/msg; load {os.getloadavg()}")
