import pytest
from datetime import date, timedelta
from django.db import connection
from care.models import *
from tests.care.stage import *
from common.birthdays import Birthday
import time
pytestmark=pytest.mark.django_db
def test_perf(store, settings):
    settings.SMS=account("http://127.0.0.1:9")
    adopt(store,"recent_month_abc")
    import random
    t=time.time()
    guests(store,3000,"A",last_visit_on=date(2026,6,20)); guests(store,6000,"B",last_visit_on=date(2026,6,20),first=3001); guests(store,41000,"C",first=10001)
    with connection.cursor() as c:
        c.execute("ANALYZE")
    print("made",time.time()-t)
    for on in ("2026-06-30","2026-06-30","2026-07-01"):
        t=time.time(); r=night(store,on); print("night",on,round(time.time()-t,2),r["opened"])
    for on in ("2026-09-24","2026-09-24"):
        t=time.time(); r=plan_texts(store,on); print("texts",on,round(time.time()-t,2),r)
    with connection.cursor() as c:
        t=time.time(); c.execute("CREATE TEMP TABLE raw (LIKE care_message INCLUDING ALL)"); c.execute("INSERT INTO raw SELECT * FROM care_message"); print("raw insert",c.rowcount,round(time.time()-t,2))
