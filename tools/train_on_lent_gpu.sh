#!/bin/bash
# Networks on a machine whose GPU is lent for minutes, in several calls: what a call started goes on after it.
#   train_on_lent_gpu.sh start POSES MINUTES [DEVICE]   begins the trainings, on a copy of the code, and returns
#   train_on_lent_gpu.sh collect SECONDS OUT            waits, and keeps the newest averaged weights and logs in OUT
# POSES is a bank of python -m training poses, or one with its list of clips beside it. Afterwards, at home:
# python -m training export --numbers OUT/keypoints_s_lent.safetensors; the finder likewise, with --run finder.
# KEYPOINTS and FINDER name configurations, or are empty for a network that is not trained; PYTHON names another
# interpreter, DRAWERS how many processes draw for the keypoints.
set -euo pipefail

home=${LENT_HOME:-/tmp/sketch2pose_lent}
python=${PYTHON:-python3}
export SKETCH2POSE_STATE=$home/state PYTHONPATH=$home/code OMP_NUM_THREADS=1
keypoints=${KEYPOINTS-keypoints_s_lent}
finder=${FINDER-finder_lent}

begin() { # name, arguments: in a session of its own, so that it outlives this call
    setsid nohup "$python" -m training "${@:2}" > "$home/$1.log" 2>&1 < /dev/null &
    echo $! > "$home/$1.pid"
}

case ${1:-} in
start)
    mkdir -p "$home/code"
    cp -r backend training "$home/code/"
    poses=$(realpath "$2")
    cd "$home/code"
    for_both=(--poses "$poses" --device "${4:-cuda}" --minutes "$3" --anneal)
    [ -z "$keypoints" ] || begin "$keypoints" train --config "$keypoints" --drawers "${DRAWERS:-11}" "${for_both[@]}"
    [ -z "$finder" ] || begin "$finder" train-finder --config "training/configs/$finder.yaml" --drawers 2 "${for_both[@]}"
    ;;
collect)
    mkdir -p "$3"
    out=$(realpath "$3")
    cd "$home/code"
    until_second=$((SECONDS + $2))
    while :; do
        sleep 15
        alive=no
        for name in $keypoints $finder; do
            kill -0 "$(cat "$home/$name.pid")" 2> /dev/null && alive=yes
            cp "$home/$name.log" "$out/"
            checkpoint=$SKETCH2POSE_STATE/$name/checkpoint.pt
            if [ -e "$checkpoint" ] && [ "$checkpoint" -nt "$out/$name.safetensors" ]; then
                "$python" -m training export --run "$name" --out "$out/$name.unfinished.safetensors" >> "$out/$name.log" 2>&1 &&
                    mv "$out/$name.unfinished.safetensors" "$out/$name.safetensors"
            fi
        done
        [ $alive = no ] && break
        [ $SECONDS -ge $until_second ] && break
    done
    tail -n 3 "$out"/*.log
    ;;
*)
    sed -n '2,8s/^# *//p' "$0"
    exit 2
    ;;
esac
