------------------------------- MODULE Future -------------------------------
(***************************************************************************)
(* One future among everybody who uses it.  A step is one lock hold of the *)
(* library, or one effect that follows it: whoever changes the state       *)
(* carries out the effects one after the other, with no lock held, while   *)
(* everybody else goes on.  Agent 1 is the executor; then the cancellers;  *)
(* then third parties that set a result.  Mirrors spec/future_model.py.    *)
(***************************************************************************)
EXTENDS Naturals, Sequences

CONSTANTS
  Owned,       \* does an executor own the future, so that cancel() tells all?
  Cancellers,  \* how many call cancel()
  Resolvers,   \* how many third parties call set_result()
  Results,     \* how many call result()
  Waits,       \* how many call wait()
  Callbacks    \* how many callbacks are added

ASSUME
  /\ Owned \in BOOLEAN
  /\ {Cancellers, Resolvers, Results, Waits, Callbacks} \subseteq Nat

VARIABLES
  state,      \* of the future
  agents,     \* "idle", "busy" (effects to carry out), "ended"
  todo,       \* each agent's effects, in order
  results,    \* callers of result(): "out", "blocked", "back"
  waits,      \* callers of wait(): "out", "blocked", "back"
  callbacks,  \* "out", "queued" then "ran"; or, late, "own" then "ran own"
  queue,      \* the callbacks that are queued, in the order added
  ran,        \* the callbacks that ran, in that order
  drained     \* have all queued callbacks run, once and for all?

vars == <<state, agents, todo, results, waits, callbacks, queue, ran, drained>>

Executor == 1
Canceller == 2..(1 + Cancellers)
Resolver == (2 + Cancellers)..(1 + Cancellers + Resolvers)
Agent == 1..(1 + Cancellers + Resolvers)
Callback == 1..Callbacks

Done == {"CANCELLED", "CANCELLED_AND_NOTIFIED", "FINISHED"}
Notified == {"CANCELLED_AND_NOTIFIED", "FINISHED"}
Cancelled == {"CANCELLED", "CANCELLED_AND_NOTIFIED"}
AllEffects == <<"TellWaiters", "WakeBlocked", "RunCallbacks">>

TypeOK ==
  LET Stand == {"out", "blocked", "back"}
      Order == UNION {[1..n -> Callback] : n \in 0..Callbacks}
  IN  /\ state \in {"PENDING", "RUNNING"} \union Done
      /\ agents \in [Agent -> {"idle", "busy", "ended"}]
      /\ todo \in [Agent -> {SubSeq(AllEffects, n, 3) : n \in 1..4} \union {<<"TellWaiters">>}]
      /\ results \in [1..Results -> Stand]
      /\ waits \in [1..Waits -> Stand]
      /\ callbacks \in [Callback -> {"out", "queued", "ran", "own", "ran own"}]
      /\ queue \in Order
      /\ ran \in Order
      /\ drained \in BOOLEAN

-----------------------------------------------------------------------------

Obey(a, after, effects) ==  \* agent a has the state changed; effects are to follow
  /\ state' = after
  /\ todo' = [todo EXCEPT ![a] = effects]
  /\ agents' = [agents EXCEPT ![a] = IF effects = <<>> THEN "ended" ELSE "busy"]
  /\ drained' = (drained \/ (Len(effects) > 1 /\ queue = <<>>))  \* nothing to drain
  /\ UNCHANGED <<results, waits, callbacks, queue, ran>>

Did(a) ==  \* agent a is through with its next effect
  /\ todo' = [todo EXCEPT ![a] = Tail(@)]
  /\ agents' = [agents EXCEPT ![a] = IF Len(todo[a]) = 1 THEN "ended" ELSE "busy"]

Faces(a, effect) == agents[a] = "busy" /\ Head(todo[a]) = effect

AllBack(stands) ==
  [n \in DOMAIN stands |-> IF stands[n] = "blocked" THEN "back" ELSE stands[n]]

Init ==
  /\ state = "PENDING"
  /\ agents = [a \in Agent |-> "idle"]
  /\ todo = [a \in Agent |-> <<>>]
  /\ results = [n \in 1..Results |-> "out"]
  /\ waits = [n \in 1..Waits |-> "out"]
  /\ callbacks = [c \in Callback |-> "out"]
  /\ queue = <<>>
  /\ ran = <<>>
  /\ drained = FALSE

-----------------------------------------------------------------------------

Cancel(a) ==  \* any thread
  /\ agents[a] = "idle"
  /\ CASE state = "PENDING" /\ ~Owned  -> Obey(a, "CANCELLED", Tail(AllEffects))
       [] state = "PENDING" /\ Owned   -> Obey(a, "CANCELLED_AND_NOTIFIED", AllEffects)
       [] state = "CANCELLED" /\ Owned -> Obey(a, "CANCELLED_AND_NOTIFIED", <<"TellWaiters">>)
       [] OTHER                        -> Obey(a, state, <<>>)

SetRunningOrNotifyCancel ==  \* the executor takes the call up
  /\ agents[Executor] = "idle"
  /\ state # "RUNNING"
  /\ CASE state = "PENDING"   -> /\ state' = "RUNNING"
                                 /\ UNCHANGED <<agents, todo, results, waits>>
                                 /\ UNCHANGED <<callbacks, queue, ran, drained>>
       [] state = "CANCELLED" -> Obey(Executor, "CANCELLED_AND_NOTIFIED", <<"TellWaiters">>)
       [] OTHER               -> Obey(Executor, state, <<>>)

Finish(a) ==  \* the first outcome stands, later ones are refused
  IF state \in Done THEN Obey(a, state, <<>>) ELSE Obey(a, "FINISHED", AllEffects)

SetResult(a) ==  \* the executor when the call returns, or a third party at any time
  /\ agents[a] = "idle"
  /\ a = Executor => state = "RUNNING"
  /\ Finish(a)

SetException ==  \* the executor when the call raises
  /\ agents[Executor] = "idle"
  /\ state = "RUNNING"
  /\ Finish(Executor)

TellWaiters(a) ==  \* whoever notified the future
  /\ Faces(a, "TellWaiters")
  /\ Did(a)
  /\ waits' = AllBack(waits)
  /\ UNCHANGED <<state, results, callbacks, queue, ran, drained>>

WakeBlocked(a) ==  \* whoever ended the future
  /\ Faces(a, "WakeBlocked")
  /\ Did(a)
  /\ results' = AllBack(results)
  /\ UNCHANGED <<state, waits, callbacks, queue, ran, drained>>

RunCallback(a) ==  \* whoever ended the future: the oldest callback that is queued
  /\ Faces(a, "RunCallbacks")
  /\ queue # <<>>
  /\ callbacks' = [callbacks EXCEPT ![Head(queue)] = "ran"]
  /\ ran' = Append(ran, Head(queue))
  /\ queue' = Tail(queue)
  /\ UNCHANGED <<state, agents, todo, results, waits, drained>>

EndCallbacks(a) ==  \* whoever ended the future: from now on each adder runs its own
  /\ Faces(a, "RunCallbacks")
  /\ queue = <<>>
  /\ Did(a)
  /\ drained' = TRUE
  /\ UNCHANGED <<state, results, waits, callbacks, queue, ran>>

AddCallback(c) ==  \* any thread; callbacks are numbered in the order they are added
  /\ callbacks[c] = "out"
  /\ \A b \in 1..(c - 1) : callbacks[b] # "out"
  /\ callbacks' = [callbacks EXCEPT ![c] = IF drained THEN "own" ELSE "queued"]
  /\ queue' = IF drained THEN queue ELSE Append(queue, c)
  /\ UNCHANGED <<state, agents, todo, results, waits, ran, drained>>

RunOwnCallback(c) ==  \* the adder of a late callback
  /\ callbacks[c] = "own"
  /\ callbacks' = [callbacks EXCEPT ![c] = "ran own"]
  /\ ran' = Append(ran, c)
  /\ UNCHANGED <<state, agents, todo, results, waits, queue, drained>>

CallResult(n) ==  \* any thread
  /\ results[n] = "out"
  /\ results' = [results EXCEPT ![n] = IF state \in Done THEN "back" ELSE "blocked"]
  /\ UNCHANGED <<state, agents, todo, waits, callbacks, queue, ran, drained>>

CallWait(n) ==  \* any thread
  /\ waits[n] = "out"
  /\ waits' = [waits EXCEPT ![n] = IF state \in Notified THEN "back" ELSE "blocked"]
  /\ UNCHANGED <<state, agents, todo, results, callbacks, queue, ran, drained>>

GiveUpResult(n) ==  \* its timeout passes
  /\ results[n] = "blocked"
  /\ results' = [results EXCEPT ![n] = "back"]
  /\ UNCHANGED <<state, agents, todo, waits, callbacks, queue, ran, drained>>

GiveUpWait(n) ==  \* its timeout passes
  /\ waits[n] = "blocked"
  /\ waits' = [waits EXCEPT ![n] = "back"]
  /\ UNCHANGED <<state, agents, todo, results, callbacks, queue, ran, drained>>

-----------------------------------------------------------------------------

TheExecutor == SetRunningOrNotifyCancel \/ SetResult(Executor) \/ SetException
CarryOut(a) == TellWaiters(a) \/ WakeBlocked(a) \/ RunCallback(a) \/ EndCallbacks(a)

System ==
  \/ TheExecutor
  \/ \E a \in Agent : CarryOut(a)
  \/ \E c \in Callback : RunOwnCallback(c)

Callers ==
  \/ \E a \in Canceller : Cancel(a)
  \/ \E a \in Resolver : SetResult(a)
  \/ \E c \in Callback : AddCallback(c)
  \/ \E n \in 1..Results : CallResult(n) \/ GiveUpResult(n)
  \/ \E n \in 1..Waits : CallWait(n) \/ GiveUpWait(n)

Next == System \/ Callers

(* The executor takes the call up and the call ends; who has effects to carry *)
(* out does so.  Nobody is obliged to cancel, to ask, or to time out.         *)
Fairness ==
  /\ WF_vars(TheExecutor)
  /\ \A a \in Agent : WF_vars(CarryOut(a))
  /\ \A c \in Callback : WF_vars(RunOwnCallback(c))

Spec == Init /\ [][Next]_vars /\ Fairness

-----------------------------------------------------------------------------

(* No queued callback is overtaken by one that was added after it. *)
CallbacksInOrder ==
  LET Ran(c, how) == callbacks[c] = how /\ \E i \in 1..Len(ran) : ran[i] = c
      late == {c \in Callback : Ran(c, "ran own")}
      early == {c \in Callback : Ran(c, "ran")}
      waiting == {c \in Callback : callbacks[c] = "queued"}
  IN  /\ \A i, j \in 1..Len(ran) : (i < j /\ {ran[i], ran[j]} \subseteq early) => ran[i] <= ran[j]
      /\ \A c \in late, b \in early \union waiting : c > b
      /\ waiting = {} \/ late = {}

(* No callback runs twice. *)
EachCallbackOnce == \A i, j \in 1..Len(ran) : i # j => ran[i] # ran[j]

(* A callback that runs finds its future done. *)
CallbacksRunAfterTheEnd == ran # <<>> => state \in Done

(* Once the one who ended the future is through, nobody is left blocked. *)
NobodyBlockedWhenSettled ==
  (\A a \in Agent : agents[a] # "busy") =>
    /\ state \in Done => \A n \in 1..Results : results[n] # "blocked"
    /\ state \in Notified => \A n \in 1..Waits : waits[n] # "blocked"

(* Once the callbacks are drained, none is queued. *)
NoCallbackLeft == drained => queue = <<>>

(* What is done stays done, and a notified future stays as it is. *)
EndIsFinal ==
  [][/\ (state \in Notified) => (state' = state)
     /\ (state \in Done) => (state' \in Done)]_vars

(* A call whose cancel() succeeded never begins. *)
CancelledNeverRuns ==
  [][(state \in Cancelled) => (state' \in Cancelled)]_vars

-----------------------------------------------------------------------------

(* The executor takes every future up, and every future ends. *)
EveryFutureEnds == <>(state \in Done)

(* Whoever is in wait() when the future is done gets back. *)
EveryWaiterTold ==
  \A n \in 1..Waits : (waits[n] = "blocked" /\ state \in Done) ~> (waits[n] = "back")

(* Whoever is in result() when the future is done gets back. *)
EveryBlockedWakes ==
  \A n \in 1..Results : (results[n] = "blocked" /\ state \in Done) ~> (results[n] = "back")

(* Every callback that was added runs, in time or late. *)
EveryCallbackRuns ==
  \A c \in Callback : (callbacks[c] # "out") ~> (callbacks[c] \in {"ran", "ran own"})
=============================================================================
